import type { PeerIdentity } from '@inmesh/core';

/** An X.509-SVID of this workload. */
export interface WorkloadCertificate {
  /** PEM: the leaf first, then intermediates. */
  readonly certificateChain: string;
  /** PEM, PKCS #8. Never logged; not enumerable in the identities that this package makes. */
  readonly privateKey: string;
  readonly identity: PeerIdentity;
  /** Wall clock, in ms. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface Identity {
  /** Undefined: this workload can check others and prove nothing of itself. */
  readonly certificate: WorkloadCertificate | undefined;
  /** PEM of the authorities, each by itself, by trust domain: its own and those that it is federated with. */
  readonly bundles: ReadonlyMap<string, readonly string[]>;
}

/** Where an identity comes from. Delivers whole, checked identities; keeps the last good one while something is wrong. */
export interface IdentitySource {
  /** For logs and `mesh.status()`, e.g. `files /var/run/secrets/workload-spiffe-credentials`. */
  readonly description: string;
  /** The last good one; undefined before the first. */
  readonly current: Identity | undefined;
  /** Why there is no newer one; undefined while all is well. */
  readonly problem: string | undefined;
  /** Begins to look, and tells of every new one. Returns what ends the listening. */
  onChange(listener: (identity: Identity) => void): () => void;
  start(): void;
  close(): void | Promise<void>;
}
