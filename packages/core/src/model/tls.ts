import type { StringMatcher } from './route.js';

/** Where a certificate and its key come from. */
export type CertificateSource =
  /** This workload's own X.509-SVID. */
  | { readonly kind: 'workload' }
  /** Paths of PEM files. */
  | { readonly kind: 'files'; readonly certificateChain: string; readonly privateKey: string }
  /** A secret of the config server (SDS). */
  | { readonly kind: 'secret'; readonly name: string };

/** Whose certificates are taken. */
export type TrustSource =
  /** The bundles of the mesh: this trust domain's, and those that it is federated with. */
  | { readonly kind: 'workload' }
  /** The authorities that Node trusts by itself. */
  | { readonly kind: 'system' }
  /** Path of a PEM file. */
  | { readonly kind: 'file'; readonly authorities: string }
  | { readonly kind: 'secret'; readonly name: string }
  /** The configuration names authorities that are not there: no connection may be made. */
  | { readonly kind: 'nobody'; readonly reason: string };

/** How a cluster's endpoints are spoken to over TLS (Envoy `UpstreamTlsContext`). */
export interface UpstreamTls {
  /** Undefined: no certificate is shown. */
  readonly certificate: CertificateSource | undefined;
  readonly trust: TrustSource;
  /** Empty: none is sent. */
  readonly sni: string;
  /**
   * Any one of these or of `dnsNames` has to match a URI or DNS name of the server's certificate. Without both: with the
   * trust of the mesh every workload of a trusted domain is taken, else the certificate has to be for `sni`.
   */
  readonly subjectAltNames: readonly StringMatcher[];
  /** Hosts: a wildcard of the certificate may be for them. Default: none. */
  readonly dnsNames?: readonly string[] | undefined;
  /** Certificates are not looked at (Istio `insecureSkipVerify`). */
  readonly skipVerify: boolean;
}

export type UpstreamTransport =
  | { readonly kind: 'plaintext' }
  | { readonly kind: 'tls'; readonly tls: UpstreamTls }
  /** TLS to endpoints that are known to speak that of the mesh, plain text to others (Istio's auto mTLS). */
  | { readonly kind: 'byEndpoint'; readonly tls: UpstreamTls };
