import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTraceparent, parseTraceparent } from '../../src/telemetry/w3c.js';

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const nonZero = (length: number) => hex(length).filter((id) => /[^0]/.test(id));
const flags = fc.integer({ min: 0, max: 255 });
const example = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('parseTraceparent', () => {
  test('reads the example of the specification', () => {
    expect(parseTraceparent(example)).toEqual({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
    });
  });

  test('reads back all that formatTraceparent writes', () => {
    fc.assert(
      fc.property(nonZero(32), nonZero(16), flags, (traceId, spanId, traceFlags) => {
        const parent = { traceId, spanId, traceFlags };
        expect(parseTraceparent(formatTraceparent(parent))).toEqual(parent);
      }),
    );
  });

  test('accepts nothing that it would not write itself, but for later versions', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEFg- ,'), maxLength: 60 }), (text) => {
        const parsed = parseTraceparent(text);
        if (parsed !== undefined) expect(formatTraceparent(parsed).slice(2)).toBe(text.slice(2, 55));
      }),
    );
  });

  test('refuses every text of the right form that is one character too long, too short or other', () => {
    const place = fc.nat({ max: example.length - 1 });
    fc.assert(
      fc.property(place, fc.constantFrom(...'GZA ,.\u00e4\0'), (at, wrong) => {
        expect(parseTraceparent(example.slice(0, at) + example.slice(at + 1))).toBeUndefined();
        expect(parseTraceparent(example.slice(0, at) + wrong + example.slice(at))).toBeUndefined();
        expect(parseTraceparent(example.slice(0, at) + wrong + example.slice(at + 1))).toBeUndefined();
      }),
    );
  });

  test.each([
    ['an all-zero trace id', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['an all-zero span id', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`],
    ['version ff', example.replace(/^00/, 'ff')],
    ['upper case', example.toUpperCase()],
    ['version 00 with a tail', `${example}-more`],
    ['a later version with a tail that does not begin with a dash', `${example.replace(/^00/, 'cc')}more`],
    ['two headers joined', `${example},${example}`],
    ['a line feed at the end', `${example}\n`],
    ['nothing', ''],
    ['no header', undefined],
  ])('refuses %s', (_, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  test('reads what it knows of a later version', () => {
    const later = example.replace(/^00/, 'cc');
    expect(parseTraceparent(later)).toEqual(parseTraceparent(example));
    expect(parseTraceparent(`${later}-what-the-future-brings`)).toEqual(parseTraceparent(example));
  });
});
