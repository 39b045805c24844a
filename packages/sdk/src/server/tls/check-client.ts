import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { PeerIdentity } from '@inmesh/core';
import type { Identity } from '../../identity/identity.js';
import { type PeerRefusal, refusePeer } from '../../identity/refusal.js';
import { chainOf, trustOf } from '../../identity/trust.js';
import { verifyPeer } from '../../identity/verify-peer.js';

export type ClientVerdict =
  | { readonly ok: true; readonly peer: PeerIdentity | undefined; readonly chain: readonly X509Certificate[] }
  | PeerRefusal;

/**
 * Who the client of a connection is. Its handshake took any certificate: in TLS 1.3 a server that refuses one in its
 * handshake cannot say why, and the client has believed itself connected by then.
 * @param now wall clock, in ms
 */
export function checkClient(
  socket: TLSSocket,
  identity: Identity | undefined,
  now: number,
  isWanted: boolean,
): ClientVerdict {
  const chain = chainOf(socket.getPeerCertificate(true));
  if (chain.length === 0) return isWanted ? refusePeer('no_certificate') : { ok: true, peer: undefined, chain };
  if (identity === undefined) return refusePeer('no_identity');
  const verdict = verifyPeer(chain, trustOf(identity), now);
  if (!verdict.ok) return verdict;
  // OpenSSL looks at more than identities need: lengths of paths, purposes, signatures that are too weak.
  if (!socket.authorized) return refusePeer('untrusted', `TLS does not trust it: ${String(socket.authorizationError)}`);
  return { ok: true, peer: verdict.identity, chain };
}
