import type { JwtAuthentication } from './authentication.js';
import type { ExternalAuthorization, RbacRules } from './authorization.js';

export type InboundFilter =
  | { readonly kind: 'jwt'; readonly authentication: JwtAuthentication }
  /** `shadow`: the decision is counted and logged, and not carried out (Istio `dry-run`). */
  | { readonly kind: 'rbac'; readonly rules: RbacRules; readonly shadow: boolean }
  | { readonly kind: 'externalAuthorization'; readonly authorization: ExternalAuthorization };

/** Istio's `pathNormalization` beyond RFC 3986: whether `//` is one slash, and whether `%2F`, `%5C` and `\` are slashes. */
export type PathNormalization = 'base' | 'mergeSlashes' | 'decodeAndMergeSlashes';

/** One way into a workload (Envoy `FilterChain` of the listener `virtualInbound`). */
export interface InboundChain {
  /** Of the workload; 0 for every port that no other chain names. */
  readonly port: number;
  readonly transport: 'tls' | 'plaintext';
  /** Of TLS. */
  readonly clientCertificate: 'required' | 'optional';
  /** In their order: tokens, then custom, deny and allow policies. */
  readonly filters: readonly InboundFilter[];
  /** What is done with a path before policies see it (Istio `pathNormalization`). Default `base`. */
  readonly pathNormalization?: PathNormalization | undefined;
}

/** What a workload demands of those that call it. A way that no chain describes is closed. */
export interface InboundListener {
  /** Istio's `virtualInbound`. */
  readonly name: string;
  readonly chains: readonly InboundChain[];
  /** Stands for one that has not come: nobody comes in, and is told to come back. */
  readonly isAwaited?: true;
}
