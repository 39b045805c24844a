import type { JsonObject } from '@bufbuild/protobuf';
import { byAds, socketAddress } from './envoy-bootstrap.js';

const extensions = 'type.googleapis.com/envoy.extensions';

export interface TlsListener {
  readonly port: number;
  /** The name of the secret that has its certificate. */
  readonly certificate: string;
  /** The name of the secret that says whose clients it takes; without it it asks for no certificate. */
  readonly authorities?: string;
  /** The one SPIFFE ID whose calls it takes. Default: everybody whom the authorities know. */
  readonly client?: string;
  /** Where the secrets come from. Default: ADS. */
  readonly source?: JsonObject;
}

/** Answers every call that comes over TLS with 200; what it needs for TLS it has by SDS. */
export function tlsListener({ port, certificate, authorities, client, source = byAds }: TlsListener): JsonObject {
  const secret = (name: string) => ({ name, sds_config: source });
  const matcher = { san_type: 'URI', matcher: { exact: client ?? '' } };
  const combined = (name: string): JsonObject => ({
    default_validation_context: client === undefined ? {} : { match_typed_subject_alt_names: [matcher] },
    validation_context_sds_secret_config: secret(name),
  });
  const common = {
    tls_certificate_sds_secret_configs: [secret(certificate)],
    ...(authorities !== undefined && { combined_validation_context: combined(authorities) }),
  };
  const tls = {
    '@type': `${extensions}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: common,
    require_client_certificate: authorities !== undefined,
  };
  return {
    name: 'tls',
    address: socketAddress(`127.0.0.1:${port}`),
    filter_chains: [
      { transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: tls }, filters: [answering()] },
    ],
  };
}

function answering(): JsonObject {
  const answer = { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'secured' } } };
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': `${extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'tls',
      // So that calls go on with new certificates.
      common_http_protocol_options: { max_requests_per_connection: 5 },
      route_config: { virtual_hosts: [{ name: 'any', domains: ['*'], routes: [answer] }] },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': `${extensions}.filters.http.router.v3.Router` },
        },
      ],
    },
  };
}
