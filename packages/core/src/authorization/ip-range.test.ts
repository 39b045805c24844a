import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCidrRange } from './ip-range.js';

const holds = (address: string, prefixLength: number, text: string) =>
  compileCidrRange({ address, prefixLength })(text);

describe('a range of addresses', () => {
  it.each([
    ['10.0.0.0', 8, '10.255.1.2', true],
    ['10.0.0.0', 8, '11.0.0.0', false],
    ['10.1.2.3', 32, '10.1.2.3', true],
    ['10.1.2.3', 32, '10.1.2.4', false],
    ['0.0.0.0', 0, '255.255.255.255', true],
    ['0.0.0.0', 0, '::1', false],
    ['10.0.0.0', 8, '::ffff:10.1.2.3', true],
    ['::1', 128, '::1', true],
    ['::1', 128, '0:0:0:0:0:0:0:1', true],
    ['2001:db8::', 32, '2001:DB8:1::5', true],
    ['2001:db8::', 32, '2001:db9::5', false],
    ['fe80::', 10, 'fe80::1%eth0', true],
    ['::', 0, '10.0.0.1', false],
    ['10.0.0.0', 8, '', false],
    ['10.0.0.0', 8, '10.0.0', false],
    ['10.0.0.0', 8, '10.0.0.256', false],
    ['::', 0, '1::2::3', false],
    ['::', 0, '1:2:3:4:5:6:7:8:9', false],
    ['nonsense', 0, '10.0.0.1', false],
  ])('%s/%d and %s: %s', (address, prefixLength, text, expected) => {
    expect(holds(address, prefixLength, text)).toBe(expected);
  });

  it('holds every address that begins with its bits, and no other', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1), fc.integer({ min: 0, max: 32 }), (a, b, length) => {
        const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
        const same = BigInt(a) >> BigInt(32 - length) === BigInt(b) >> BigInt(32 - length);
        expect(holds(text(a), length, text(b))).toBe(same);
      }),
    );
  });
});
