/** How the connection to a config server is protected (`channel_creds` of the gRPC bootstrap). */
export type ChannelCredentialsConfig = { readonly kind: 'insecure' } | TlsCredentialsConfig;

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

/** A server without anything special, in the clear. */
export function insecureServer(serverUri: string): XdsServerConfig {
  return { serverUri, credentials: { kind: 'insecure' }, features: defaultServerFeatures };
}
