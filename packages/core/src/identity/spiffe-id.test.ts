import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustDomain, parseSpiffeId } from './spiffe-id.js';

describe('a SPIFFE ID', () => {
  it('of a workload says its namespace and service account', () => {
    expect(parseSpiffeId('spiffe://cluster.local/ns/default/sa/reviews')).toEqual({
      ok: true,
      identity: {
        spiffeId: 'spiffe://cluster.local/ns/default/sa/reviews',
        trustDomain: 'cluster.local',
        namespace: 'default',
        serviceAccount: 'reviews',
      },
    });
  });

  it.each([
    'spiffe://example.org',
    'spiffe://example.org/db',
    'spiffe://example.org/ns/a/sa/b/c',
    'spiffe://a_b-c.1/X_.-y',
    'spiffe://10.1.2.3/a',
    'spiffe://example.org/...',
    `spiffe://${'a'.repeat(255)}/a`,
    `spiffe://example.org/${'a'.repeat(2048 - 'spiffe://example.org/'.length)}`,
  ])('of another form is one as well: %s', (text) => {
    expect(parseSpiffeId(text)).toMatchObject({ ok: true, identity: { spiffeId: text, namespace: '' } });
  });

  it.each([
    ['', 'does not begin'],
    ['https://example.org/a', 'does not begin'],
    ['SPIFFE://example.org/a', 'does not begin'],
    ['spiffe://', 'no trust domain'],
    ['spiffe:///ns/a', 'no trust domain'],
    ['spiffe://Example.org/a', 'other characters'],
    ['spiffe://user@example.org/a', 'other characters'],
    ['spiffe://example.org:443/a', 'other characters'],
    [`spiffe://${'a'.repeat(256)}/a`, 'too long'],
    ['spiffe://example.org/', 'empty segment'],
    ['spiffe://example.org/a/', 'empty segment'],
    ['spiffe://example.org//a', 'empty segment'],
    ['spiffe://example.org/./a', 'segment "."'],
    ['spiffe://example.org/a/..', 'segment ".."'],
    ['spiffe://example.org/a%2fb', 'other characters'],
    ['spiffe://example.org/a?b', 'other characters'],
    ['spiffe://example.org/a#b', 'other characters'],
    ['spiffe://example.org/é', 'other characters'],
    ['spiffe://exa%6dple.org/a', 'other characters'],
    ['spiffe://[::1]/a', 'other characters'],
    ['spiffe://example.org:/a', 'other characters'],
    ['spiffe://example.org?a=/b', 'other characters'],
    ['spiffe://example.org/a\u0000', 'other characters'],
    ['spiffe://example.org/a\n', 'other characters'],
    ['spiffe://example.org\n/a', 'other characters'],
    ['spiffe:/example.org/a', 'does not begin'],
    [' spiffe://example.org/a', 'does not begin'],
    [`spiffe://example.org/${'a'.repeat(2049 - 'spiffe://example.org/'.length)}`, 'longer than 2048'],
    [`spiffe://example.org/${'a'.repeat(2048)}`, 'longer than 2048'],
  ])('is not %s', (text, reason) => {
    expect(parseSpiffeId(text)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  it('is taken as it is or not at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (tail) => {
        const result = parseSpiffeId(`spiffe://td/${tail}`);
        if (result.ok) expect(tail).toMatch(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/);
      }),
    );
  });
});

it.each([
  ['example.org', true],
  ['cluster.local', true],
  ['', false],
  ['Example.org', false],
  ['example.org/ns', false],
  ['example.org:80', false],
])('%j is the name of a trust domain: %j', (text, expected) => {
  expect(isTrustDomain(text)).toBe(expected);
});
