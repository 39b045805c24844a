import type { X509Certificate } from 'node:crypto';
import type { PeerIdentity, TextTest } from '@inmesh/core';
import { extensionsOf } from './extensions.js';
import { type PeerRefusal, refusePeer } from './refusal.js';
import { readSvid } from './svid.js';
import { verifyChain } from './verify-chain.js';

export type PeerVerdict = { readonly ok: true; readonly identity: PeerIdentity } | PeerRefusal;

/** The authorities of each trust domain. */
export type TrustBundles = ReadonlyMap<string, readonly X509Certificate[]>;

/**
 * Whether the certificate of a peer, the leaf of `chain`, is that of a workload of the mesh: an X.509-SVID that an
 * authority of its own trust domain has signed (SPIFFE X509-SVID.md 5.2), not one of any domain that is trusted.
 * @param now wall clock, in ms
 * @param expected any one has to take its SPIFFE ID or one of its DNS names; empty: everybody is expected
 */
export function verifyPeer(
  chain: readonly X509Certificate[],
  bundles: TrustBundles,
  now: number,
  expected: readonly TextTest[] = [],
): PeerVerdict {
  const [leaf] = chain;
  if (leaf === undefined) return refusePeer('no_certificate');
  const svid = readSvid(leaf);
  if (!svid.ok) return svid;
  const { trustDomain, spiffeId } = svid.identity;
  const authorities = bundles.get(trustDomain);
  if (authorities === undefined) {
    return refusePeer('untrusted_domain', `${spiffeId} is of the trust domain ${trustDomain}, which is not trusted`);
  }
  const refusal = verifyChain(chain, authorities, now);
  if (refusal !== undefined) return { ...refusal, detail: `${spiffeId}: ${refusal.detail}` };
  return isExpected(leaf, expected) ? svid : refusePeer('unexpected_identity', `${spiffeId} is not who was expected`);
}

/** Names of a certificate against Envoy's `match_typed_subject_alt_names`. */
export function isExpected(certificate: X509Certificate, expected: readonly TextTest[]): boolean {
  if (expected.length === 0) return true;
  const { uris, dnsNames } = extensionsOf(certificate);
  return [...uris, ...dnsNames].some((name) => expected.some((test) => test(name)));
}
