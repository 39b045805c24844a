import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificates.js';
import { certificatesOf, MeshAuthority, type TestIdentity } from '../../../../test/support/mesh-authority.js';
import { verifyPeer } from '../../src/identity/verify-peer.js';

const authority = new MeshAuthority();
const other = new MeshAuthority('other.org');
const bundles = new Map([
  ['cluster.local', certificatesOf(authority.bundle)],
  ['other.org', certificatesOf(other.bundle)],
]);
const hour = 3600_000;

function verdict({ chain }: Pick<TestIdentity, 'chain'>, now = Date.now()) {
  return verifyPeer(certificatesOf(chain), bundles, now);
}

describe('a peer', () => {
  it('is who its certificate says, when an authority of its trust domain has signed it', () => {
    expect(verdict(authority.issue('shop'))).toEqual({
      ok: true,
      identity: {
        spiffeId: 'spiffe://cluster.local/ns/default/sa/shop',
        trustDomain: 'cluster.local',
        namespace: 'default',
        serviceAccount: 'shop',
      },
    });
    expect(verdict(other.issue('shop'))).toMatchObject({ ok: true, identity: { trustDomain: 'other.org' } });
  });

  it('may be signed by an intermediate that it shows, wherever that stands', () => {
    const identity = authority.issueByIntermediate('shop');
    const [leaf, intermediate] = certificatesOf(identity.chain);
    const stranger = new X509Certificate(makeCertificate({ isCa: true }).certificate);
    expect(verifyPeer([leaf!, stranger, intermediate!], bundles, Date.now()).ok).toBe(true);
    expect(verifyPeer([leaf!], bundles, Date.now())).toMatchObject({ ok: false, reason: 'unknown_authority' });
  });

  it('is refused without a certificate', () => {
    expect(verifyPeer([], bundles, Date.now())).toMatchObject({ ok: false, reason: 'no_certificate' });
  });

  it.each<[string, () => Pick<TestIdentity, 'chain'>, string]>([
    ['signed by itself', () => selfSigned(), 'self_signed'],
    ['of an authority of the same name', () => new MeshAuthority().issue('shop'), 'unknown_authority'],
    ['of a trust domain that is not trusted', () => new MeshAuthority('evil.org').issue('shop'), 'untrusted_domain'],
    [
      'of one trusted domain, signed by the authority of another',
      () => other.issue('shop', { uris: ['spiffe://cluster.local/ns/default/sa/shop'] }),
      'unknown_authority',
    ],
    ['that has expired', () => authority.issue('shop', { notAfter: new Date(Date.now() - hour) }), 'expired'],
    ['of the future', () => authority.issue('shop', { notBefore: new Date(Date.now() + hour) }), 'not_yet_valid'],
    ['with two URI names', () => authority.issue('shop', { uris: [uri('shop'), uri('admin')] }), 'several_uris'],
    ['with one URI name twice', () => authority.issue('shop', { uris: [uri('shop'), uri('shop')] }), 'several_uris'],
    ['without a URI name', () => authority.issue('shop', { uris: [] }), 'no_spiffe_id'],
    [
      'of a trust domain as such',
      () => authority.issue('x', { uris: ['spiffe://cluster.local'] }),
      'invalid_spiffe_id',
    ],
    ['with a name that is no SPIFFE ID', () => authority.issue('x', { uris: ['https://a/b'] }), 'invalid_spiffe_id'],
    ['with a path trick', () => authority.issue('x', { uris: [`${uri('a')}/../b`] }), 'invalid_spiffe_id'],
    [
      'with a comma in its name',
      () => authority.issue('x', { uris: [`${uri('a')}, URI:${uri('b')}`] }),
      'invalid_spiffe_id',
    ],
    ['with a zero byte', () => authority.issue('x', { uris: [`${uri('a')}\0`] }), 'invalid_spiffe_id'],
    ['of an authority', () => authority.issue('shop', { isCa: true }), 'not_a_leaf'],
    ['that may sign', () => authority.issue('shop', { keyUsage: ['digitalSignature', 'keyCertSign'] }), 'not_a_leaf'],
    ['that may sign CRLs', () => authority.issue('shop', { keyUsage: ['digitalSignature', 'cRLSign'] }), 'not_a_leaf'],
    ['whose key signs nothing', () => authority.issue('shop', { keyUsage: ['keyAgreement'] }), 'wrong_usage'],
    ['for servers alone', () => authority.issue('shop', { extendedKeyUsage: ['serverAuth'] }), 'wrong_usage'],
    ['signed by a leaf', () => signedByLeaf(), 'unknown_authority'],
  ])('is refused with a certificate %s', (_what, make, reason) => {
    expect(verdict(make())).toMatchObject({ ok: false, reason });
  });

  it('is refused when its authority has expired', () => {
    const at = Date.now() + 2 * 366 * 24 * hour;
    const late = authority.issue('shop', { notAfter: new Date(at + hour) });
    expect(verdict(late, at)).toMatchObject({ ok: false, reason: 'expired', detail: expect.stringContaining('root') });
  });

  it('has to be one of those that are expected', () => {
    const chain = certificatesOf(authority.issue('shop').chain);
    const verify = (name: string) => verifyPeer(chain, bundles, Date.now(), [() => false, (text) => text === name]);
    expect(verify(uri('shop')).ok).toBe(true);
    expect(verify('shop.default.svc').ok).toBe(true);
    expect(verify(uri('ratings'))).toMatchObject({ ok: false, reason: 'unexpected_identity' });
  });
});

function uri(serviceAccount: string): string {
  return `spiffe://cluster.local/ns/default/sa/${serviceAccount}`;
}

function selfSigned(): Pick<TestIdentity, 'chain'> {
  const { certificate } = makeCertificate({ uris: [uri('shop')], keyUsage: ['digitalSignature'] });
  return { chain: certificate };
}

function signedByLeaf(): Pick<TestIdentity, 'chain'> {
  const leaf = makeCertificate({ hosts: ['leaf'], keyUsage: ['digitalSignature'], issuer: authority.issuer });
  const forged = authority.issue('admin', { issuer: { hosts: ['leaf'], keyObject: leaf.keyObject } });
  return { chain: forged.chain + leaf.certificate };
}
