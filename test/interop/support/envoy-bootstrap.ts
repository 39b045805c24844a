import type { JsonObject } from '@bufbuild/protobuf';

/** The two variants of xDS by Envoy's names. */
export const adsVariants = ['GRPC', 'DELTA_GRPC'] as const;
export type AdsVariant = (typeof adsVariants)[number];

export interface BootstrapOptions {
  readonly variant: AdsVariant;
  /** `host:port` of the config server. */
  readonly xds: string;
  /** How the config server is spoken to over TLS, and shown who this is. Default: plain text. */
  readonly tls?: ConfigServerTls;
  /** Where it takes calls as an HTTP proxy; without it, it has what connections need that the kernel redirects to it. */
  readonly proxyPort: number | undefined;
  /** More of the node's metadata. */
  readonly metadata?: JsonObject;
  /** Of its own, beside those of the config server. */
  readonly listeners?: readonly JsonObject[];
  readonly clusters?: readonly JsonObject[];
  /** `host:port` of the DNS server that it asks instead of the machine's. */
  readonly dns?: string;
}

export interface ConfigServerTls {
  /** PEM. */
  readonly roots: string;
  readonly proof: { readonly token: string } | { readonly chain: string; readonly key: string };
}

/** Listeners and clusters come by ADS; the config server itself is static. */
export function envoyBootstrap(options: BootstrapOptions): JsonObject {
  const { variant, xds, tls, proxyPort, metadata = {}, listeners = [], clusters = [], dns } = options;
  return {
    node: {
      id: 'sidecar~127.0.0.1~caller.default~default.svc.cluster.local',
      cluster: 'caller.default',
      metadata: { NAMESPACE: 'default', ...(proxyPort !== undefined && { HTTP_PROXY_PORT: proxyPort }), ...metadata },
    },
    // The port is told by a file, since a free port can be known to Envoy alone.
    admin: { address: socketAddress('127.0.0.1:0') },
    dynamic_resources: { ads_config: xdsConfig(variant, tls), lds_config: byAds, cds_config: byAds },
    static_resources: { listeners: [...listeners], clusters: [configServer(xds, tls), ...clusters] },
    ...(dns !== undefined && { typed_dns_resolver_config: resolverOf(dns) }),
  };
}

/** An `ApiConfigSource` of the config server. */
function xdsConfig(variant: AdsVariant, tls?: ConfigServerTls): JsonObject {
  const proof = tls?.proof ?? {};
  const headers = 'token' in proof ? [{ key: 'authorization', value: `Bearer ${proof.token}` }] : [];
  const retry_back_off = { base_interval: '0.05s', max_interval: '0.5s' };
  return {
    api_type: variant,
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [
      { envoy_grpc: { cluster_name: 'config-server', retry_policy: { retry_back_off } }, initial_metadata: headers },
    ],
  };
}

function configServer(xds: string, tls?: ConfigServerTls): JsonObject {
  return {
    name: 'config-server',
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: 'config-server',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(xds) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    ...(tls !== undefined && { transport_socket: configServerSocket(tls) }),
  };
}

function configServerSocket({ roots, proof }: ConfigServerTls): JsonObject {
  const inline = (text: string) => ({ inline_string: text });
  const own = 'key' in proof ? [{ certificate_chain: inline(proof.chain), private_key: inline(proof.key) }] : [];
  const matcher = { san_type: 'DNS', matcher: { exact: 'localhost' } };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      sni: 'localhost',
      common_tls_context: {
        alpn_protocols: ['h2'],
        tls_certificates: own,
        validation_context: { trusted_ca: inline(roots), match_typed_subject_alt_names: [matcher] },
      },
    },
  };
}

function resolverOf(server: string): JsonObject {
  return {
    name: 'envoy.network.dns_resolver.cares',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
      resolvers: [socketAddress(server)],
      dns_resolver_options: { no_default_search_domain: true },
    },
  };
}

/** A service of one type, at the config server. */
export function byService(variant: AdsVariant, tls?: ConfigServerTls): JsonObject {
  return { resource_api_version: 'V3', api_config_source: xdsConfig(variant, tls) };
}

export const byAds = { resource_api_version: 'V3', ads: {} };

export function socketAddress(hostPort: string): JsonObject {
  const [address = '', port = ''] = hostPort.split(':');
  return { socket_address: { address, port_value: Number(port) } };
}
