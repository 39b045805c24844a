import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import type { Identity } from './identity.js';
import type { TrustBundles } from './verify-peer.js';

const known = new WeakMap<Identity, TrustBundles>();

/** The bundles of an identity, parsed once. */
export function trustOf(identity: Identity): TrustBundles {
  let bundles = known.get(identity);
  if (bundles === undefined) {
    bundles = new Map(
      [...identity.bundles].map(([domain, pems]) => [domain, pems.map((pem) => new X509Certificate(pem))]),
    );
    known.set(identity, bundles);
  }
  return bundles;
}

/** Every authority that is trusted for any domain. For TLS itself, which knows one list; never empty where it is used. */
export function allAuthorities({ bundles }: Identity): string[] {
  return [...bundles.values()].flat();
}

/** What Node tells of a peer, as a chain with the leaf first; empty where it showed nothing. */
export function chainOf(certificate: PeerCertificate | undefined): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  let current = certificate as (PeerCertificate & { issuerCertificate?: PeerCertificate }) | undefined;
  while (current?.raw !== undefined && !seen.has(current.fingerprint256)) {
    seen.add(current.fingerprint256);
    chain.push(new X509Certificate(current.raw));
    // A root is its own issuer.
    current = current.issuerCertificate;
  }
  return chain;
}
