/** The closed list of reasons for which a peer, or a connection to it, is refused; as metrics and logs name them. */
export const peerRefusals = {
  no_certificate: 'no certificate was shown',
  unreadable: 'the certificate cannot be read',
  expired: 'a certificate of the chain has expired',
  not_yet_valid: 'a certificate of the chain is not valid yet',
  self_signed: 'the certificate is signed by itself',
  unknown_authority: 'no authority of its trust domain has signed it',
  invalid_authority: 'a certificate that has signed for it must not',
  untrusted_domain: 'its trust domain is not trusted',
  no_spiffe_id: 'it has no SPIFFE ID',
  several_uris: 'it has more than one URI name',
  invalid_spiffe_id: 'its SPIFFE ID is not well formed',
  not_a_leaf: 'it is an authority, or may sign certificates',
  wrong_usage: 'its key is not for TLS',
  unexpected_identity: 'it is of another identity than expected',
  untrusted: 'TLS does not trust it',
  plaintext: 'plain text is not taken on this port',
  tls: 'TLS is not taken on this port',
  no_identity: 'this workload has no certificate to show',
  handshake: 'the TLS handshake failed',
} as const;

export type PeerRefusalReason = keyof typeof peerRefusals;

export interface PeerRefusal {
  readonly ok: false;
  readonly reason: PeerRefusalReason;
  /** For people: names and times, never keys. */
  readonly detail: string;
}

/** Plain text where mutual TLS is required. */
export function plaintextRefusal(): PeerRefusal {
  const cure =
    'for callers of the mesh, the label security.istio.io/tlsMode=istio on this pod, by which they know it; ' +
    'for callers without a certificate, a PeerAuthentication with PERMISSIVE; for kubelets, the option `probes`';
  return refusePeer('plaintext', `plain text is not taken on this port: mutual TLS is required; ${cure}`);
}

export function refusePeer(reason: PeerRefusalReason, detail: string = peerRefusals[reason]): PeerRefusal {
  return { ok: false, reason, detail };
}
