import { describe, expect, it } from 'vitest';
import { seededRandom } from './seeded-random.js';

function take(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
}

describe('seededRandom', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    expect(take(1, 5)).toEqual(take(1, 5));
    expect(take(1, 5)).not.toEqual(take(2, 5));
  });

  it('keeps within [0, 1) and is even over its tenths', () => {
    const tenths = new Array<number>(10).fill(0);
    // A value outside would land beyond the ten counts, and they would not add up.
    for (const value of take(42, 100_000)) tenths[Math.floor(value * 10)]! += 1;
    expect(tenths.reduce((a, b) => a + b)).toBe(100_000);
    for (const count of tenths) expect(count / 100_000).toBeCloseTo(0.1, 2);
  });
});
