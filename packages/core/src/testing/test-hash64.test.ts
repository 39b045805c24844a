import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { testHash64 } from './test-hash64.js';

describe('testHash64', () => {
  it('gives the values of Envoy’s hash_test.cc', () => {
    expect(testHash64('foo', 0n)).toBe(3728699739546630719n);
    expect(testHash64('bar', 0n)).toBe(5234164152756840025n);
    expect(testHash64('foo\nbar', 0n)).toBe(8917841378505826757n);
    expect(testHash64('lyft', 0n)).toBe(4400747396090729504n);
    expect(testHash64('', 0n)).toBe(17241709254077376921n);
  });

  it('is XXH64 for texts of every length and every seed', async () => {
    const { h64 } = await xxhash();
    const text = fc.string({ maxLength: 100, unit: 'binary-ascii' });
    fc.assert(
      fc.property(text, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (input, seed) => {
        expect(testHash64(input, seed)).toBe(h64(input, seed));
      }),
    );
  });
});
