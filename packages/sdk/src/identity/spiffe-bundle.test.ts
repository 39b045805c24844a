import { describe, expect, it } from 'vitest';
import { certificatesOf, MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { parseBundle } from './spiffe-bundle.js';

const [first, second] = [new MeshAuthority(), new MeshAuthority()];

function jwk(authority: MeshAuthority, changes: object = {}): object {
  const [certificate] = certificatesOf(authority.bundle);
  return { kty: 'EC', crv: 'P-256', use: 'x509-svid', x5c: [certificate!.raw.toString('base64')], ...changes };
}

const read = (document: unknown) => parseBundle(JSON.stringify(document));
const pemsOf = (document: unknown) => read(document).certificates.map(String);

describe('a bundle of a trust domain', () => {
  it('may be PEM', () => {
    const { certificates, sequence } = parseBundle(first.bundle + second.bundle);
    expect(certificates.map(String)).toEqual([first.bundle, second.bundle]);
    expect(sequence).toBeUndefined();
  });

  it('may be a document of SPIFFE, with a sequence and a hint', () => {
    const document = { keys: [jwk(first), jwk(second)], spiffe_sequence: 7, spiffe_refresh_hint: 300, other: {} };
    expect(pemsOf(document)).toEqual([first.bundle, second.bundle]);
    expect(read(document).sequence).toBe(7);
  });

  it('has what is for other uses, of unknown keys, or without a certificate passed over', () => {
    const others = [{ use: 'jwt-svid' }, { use: 'X509-SVID' }, { use: undefined }, { x5c: [] }, { x5c: undefined }];
    const keys = [...others, { kty: undefined }].map((changes) => jwk(second, changes));
    expect(pemsOf({ keys: [...keys, jwk(first)] })).toEqual([first.bundle]);
  });

  it('has the first certificate of a key alone', () => {
    const [a, b] = [first, second].map(({ bundle }) => certificatesOf(bundle)[0]!.raw.toString('base64'));
    expect(pemsOf({ keys: [jwk(first, { x5c: [a, b] })] })).toEqual([first.bundle]);
  });

  it.each<[string, string]>([
    ['{"keys": [', 'it is no JSON, or cut short'],
    ['{}', 'keys: not a list of JWKs'],
    ['{"keys": []}', 'keys: none has the use x509-svid and an x5c'],
    [JSON.stringify({ keys: [jwk(first, { use: 'jwt-svid' })] }), 'keys: none has the use x509-svid'],
    [JSON.stringify({ keys: [jwk(first), 1] }), 'keys[1]: not a JWK'],
    [JSON.stringify({ keys: [jwk(first, { x5c: ['AAAA'] })] }), 'keys[0].x5c[0]: not the base64 of a certificate'],
    [JSON.stringify({ keys: [jwk(first, { x5c: [5] })] }), 'keys[0].x5c[0]: not the base64 of a certificate'],
    [JSON.stringify({ keys: [jwk(first)], spiffe_sequence: -1 }), 'spiffe_sequence: not a whole number'],
    [JSON.stringify({ keys: [jwk(first)], spiffe_sequence: '1' }), 'spiffe_sequence: not a whole number'],
    [JSON.stringify({ keys: [jwk(first)], spiffe_refresh_hint: 1.5 }), 'spiffe_refresh_hint: not a whole number'],
    ['garbage', 'there is no certificate in it'],
    [first.bundle.slice(0, 200), 'cut short'],
  ])('is not %s', (text, reason) => {
    expect(() => parseBundle(text)).toThrow(reason);
  });
});
