import type { Issuer } from './make-certificate.js';

/** What leaves are signed with at one moment. */
export interface Signer {
  readonly issuer: Issuer;
  /** PEM: what stands between a leaf and the root, the issuer first. */
  readonly chain: readonly string[];
  /** PEM, every one that is trusted. */
  readonly roots: readonly string[];
}

/** Knows its signer, and a newer one when it is time. Each look may change it. */
export interface SignerSource {
  /** For logs. */
  readonly description: string;
  readonly signer: Signer;
  /** Renews, rolls over and reads anew, whatever is due. Returns whether something changed. */
  refresh(): Promise<boolean>;
  /** Begins a planned change of roots. @throws Error where an outside CA does that */
  rotate(): Promise<void>;
}
