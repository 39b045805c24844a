import { testHash64 } from '@inmesh/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadHash64 } from './hash64.js';

describe('loadHash64', () => {
  it('gives XXH64 of the bytes that a header has on the wire', async () => {
    const hash64 = await loadHash64();
    expect(hash64('foo', 0n)).toBe(3728699739546630719n);
    const latin1 = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(latin1, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (text, seed) => {
        expect(hash64(text, seed)).toBe(testHash64(text, seed));
      }),
    );
  });
});
