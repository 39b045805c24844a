import type { X509Certificate } from 'node:crypto';
import { type PeerIdentity, parseSpiffeId } from '@inmesh/core';
import { type CertificateExtensions, clientAuth, extensionsOf, serverAuth } from './extensions.js';
import { type PeerRefusal, refusePeer } from './refusal.js';

export type SvidResult = { readonly ok: true; readonly identity: PeerIdentity } | PeerRefusal;

/**
 * Whose certificate it is, by the rules for leaves of SPIFFE's X509-SVID.md (2, 3.1, 4, 5.2): one URI name, a SPIFFE ID
 * with a path; no authority; its key signs handshakes and nothing else. Who has signed it is not looked at.
 */
export function readSvid(certificate: X509Certificate): SvidResult {
  let extensions: CertificateExtensions;
  try {
    extensions = extensionsOf(certificate);
  } catch {
    return refusePeer('unreadable');
  }
  const { uris } = extensions;
  if (uris.length === 0) return refusePeer('no_spiffe_id');
  if (uris.length > 1) return refusePeer('several_uris', `it has ${uris.length} URI names, and an SVID has one`);
  const parsed = parseSpiffeId(uris[0]!);
  if (!parsed.ok) return refusePeer('invalid_spiffe_id', `its URI name ${JSON.stringify(uris[0])} ${parsed.reason}`);
  const { identity } = parsed;
  if (identity.spiffeId === `spiffe://${identity.trustDomain}`) {
    return refusePeer('invalid_spiffe_id', `${identity.spiffeId} is a trust domain, not a workload`);
  }
  return wrongUse(certificate, extensions) ?? { ok: true, identity };
}

function wrongUse(
  certificate: X509Certificate,
  { isCa, keyUsage, extendedKeyUsage }: CertificateExtensions,
): PeerRefusal | undefined {
  if (isCa || certificate.ca) return refusePeer('not_a_leaf', 'it is an authority');
  if (keyUsage?.certSign || keyUsage?.crlSign) return refusePeer('not_a_leaf', 'its key may sign certificates or CRLs');
  if (!keyUsage?.digitalSignature) return refusePeer('wrong_usage', 'its key usage has no digitalSignature');
  if (extendedKeyUsage !== undefined && ![serverAuth, clientAuth].every((use) => extendedKeyUsage.includes(use))) {
    return refusePeer('wrong_usage', 'its extended key usage is not that of both a server and a client');
  }
  return undefined;
}
