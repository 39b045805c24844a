import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs, defaultBackoff } from './backoff.js';

const almostOne = 1 - 2 ** -53;

describe('backoffDelayMs', () => {
  it.each([
    [1, 25],
    [2, 75],
    [3, 175],
    [4, 250],
    [50, 250],
    [5000, 250],
  ])('reaches up to its ceiling before retry %i: %i ms', (retry, ceiling) => {
    expect(backoffDelayMs(defaultBackoff, retry, () => 0)).toBe(0);
    expect(backoffDelayMs(defaultBackoff, retry, () => 0.5)).toBe(ceiling / 2);
    expect(backoffDelayMs(defaultBackoff, retry, () => almostOne)).toBeCloseTo(ceiling, 6);
  });

  it('stays in [0, the lesser of (2^retry - 1) * base and max), for any settings', () => {
    const settings = fc.record({
      baseMs: fc.integer({ min: 1, max: 60_000 }),
      maxMs: fc.integer({ min: 1, max: 300_000 }),
    });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 100 }), random, ({ baseMs, maxMs }, retry, value) => {
        const delay = backoffDelayMs({ baseMs, maxMs }, retry, () => value);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.min((2 ** retry - 1) * baseMs, maxMs) * value);
      }),
    );
  });
});
