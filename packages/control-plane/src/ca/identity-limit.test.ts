import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { IdentityLimit } from './identity-limit.js';

it('lets an identity have a burst and then as much as comes again', () => {
  const clock = new FakeClock();
  const limit = new IdentityLimit({ burst: 3, perSecond: 2, now: () => clock.now() });
  const taken = (spiffeId: string) => [1, 2, 3, 4].filter(() => limit.take(spiffeId)).length;
  expect([taken('a'), taken('b')]).toEqual([3, 3]);
  clock.advance(1000);
  expect([taken('a'), taken('a')]).toEqual([2, 0]);
  clock.advance(60_000);
  expect(taken('a')).toBe(3);
});

it('forgets those who have not asked for long', () => {
  const clock = new FakeClock();
  const limit = new IdentityLimit({ burst: 1, perSecond: 1, now: () => clock.now() });
  for (let index = 0; index < 10_000; index += 1) limit.take(`early ${index}`);
  clock.advance(1000);
  for (let index = 0; index < 10_000; index += 1) limit.take(`late ${index}`);
  expect(limit.take('late 0')).toBe(false);
  expect(limit.take('early 0')).toBe(true);
});
