import type { Place } from '../../place.js';

/** What a BackendTLSPolicy asks of connections. */
export interface BackendTls {
  /** Sent as SNI. */
  readonly sni: string;
  /** The server's certificate has to have one of these names, of which there is at least one. */
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  readonly trust: BackendTrust;
  /** The policy. */
  readonly place: Place;
}

export type BackendTrust =
  /** The authorities that the client's system trusts. */
  | { readonly kind: 'system' }
  /** `name`: of the secret that has the certificates. */
  | { readonly kind: 'bundle'; readonly name: string; readonly certificates: string }
  /** No connection may be made: the authorities that are named are not there. */
  | { readonly kind: 'nobody'; readonly reason: string };
