import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { limitedLogger } from './limited-logger.js';

it('writes 20 warnings of a kind in 10 s, and then how many were left out', () => {
  const clock = new FakeClock();
  const lines: object[] = [];
  const log = (message: string, fields?: object) => lines.push({ message, ...fields });
  const logger = limitedLogger({ info: log, warn: log, error: log }, () => clock.now());
  for (let index = 0; index < 100; index += 1) logger.warn('refused', { index });
  logger.warn('something else');
  expect(lines).toHaveLength(21);
  clock.advance(10_000);
  logger.warn('refused', { index: 100 });
  expect(lines.at(-1)).toEqual({ message: 'refused', index: 100, notLoggedBefore: 80 });
  clock.advance(10_000);
  logger.warn('refused', { index: 101 });
  expect(lines.at(-1)).toEqual({ message: 'refused', index: 101 });
});
