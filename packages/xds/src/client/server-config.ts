/** How the connection to a config server is protected (`channel_creds` of the gRPC bootstrap). */
export type ChannelCredentialsConfig = { readonly kind: 'insecure' } | TlsCredentialsConfig | IdentityCredentialsConfig;

/** Mutual TLS with the identity that the client has when it connects. */
export interface IdentityCredentialsConfig {
  readonly kind: 'identity';
}

/** PEM. */
export interface ClientIdentity {
  /** The leaf first. */
  readonly chain: string;
  readonly key: string;
  /** Of the server's certificate. */
  readonly roots: string;
}

/** gRFC A65. The files are read anew for every connection. */
export interface TlsCredentialsConfig {
  readonly kind: 'tls';
  /** PEM. Default: the roots of the system. */
  readonly caCertificateFile?: string | undefined;
  /** PEM; with `privateKeyFile`, for mutual TLS. */
  readonly certificateFile?: string | undefined;
  readonly privateKeyFile?: string | undefined;
}

export interface XdsServerFeatures {
  /** What the server no longer lists stays in use (gRFC A53). Default false. */
  readonly ignoreResourceDeletion: boolean;
  /** What the server calls gone or says it may not give is dropped, instead of the last good version staying (gRFC A88). Default false. */
  readonly failOnDataErrors: boolean;
  /** What does not come in time is an error of the server's, not a resource that does not exist (gRFC A88). Default false. */
  readonly resourceTimerIsTransientError: boolean;
}

/** One entry of `xds_servers`. */
export interface XdsServerConfig {
  /** `host:port`. */
  readonly serverUri: string;
  readonly credentials: ChannelCredentialsConfig;
  readonly features: XdsServerFeatures;
}

export const defaultServerFeatures: XdsServerFeatures = Object.freeze({
  ignoreResourceDeletion: false,
  failOnDataErrors: false,
  resourceTimerIsTransientError: false,
});

/** `host:port` for one in the clear, `tls://host:port` for one that is to be shown who the client is. */
export function serverOf(address: string): XdsServerConfig {
  if (!address.startsWith(tlsScheme)) return insecureServer(address);
  const serverUri = address.slice(tlsScheme.length);
  return { serverUri, credentials: { kind: 'identity' }, features: defaultServerFeatures };
}

const tlsScheme = 'tls://';

/** A server without anything special, in the clear. */
export function insecureServer(serverUri: string): XdsServerConfig {
  return { serverUri, credentials: { kind: 'insecure' }, features: defaultServerFeatures };
}
