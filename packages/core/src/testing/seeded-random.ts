import type { Random } from '../clock.js';

/**
 * The generator known as mulberry32: 32 bits of state that step by a constant, mixed by two multiplications. Its period is
 * 2^32 and its values are even enough for statistics in tests; it is no source of secrets.
 * @param seed an integer; the same seed gives the same sequence on every machine
 */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
