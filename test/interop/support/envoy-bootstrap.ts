import type { JsonObject } from '@bufbuild/protobuf';

/** The two variants of xDS by Envoy's names. */
export const adsVariants = ['GRPC', 'DELTA_GRPC'] as const;
export type AdsVariant = (typeof adsVariants)[number];

export interface BootstrapOptions {
  readonly variant: AdsVariant;
  /** `host:port` of the config server. */
  readonly xds: string;
  /** Where it takes calls as an HTTP proxy; without it, it has what connections need that the kernel redirects to it. */
  readonly proxyPort: number | undefined;
  /** More of the node's metadata. */
  readonly metadata?: JsonObject;
  /** Of its own, beside those of the config server. */
  readonly listeners?: readonly JsonObject[];
  /** `host:port` of the DNS server that it asks instead of the machine's. */
  readonly dns?: string;
}

/** Listeners and clusters come by ADS; the config server itself is static. */
export function envoyBootstrap(options: BootstrapOptions): JsonObject {
  const { variant, xds, proxyPort, metadata = {}, listeners = [], dns } = options;
  return {
    node: {
      id: 'sidecar~127.0.0.1~caller.default~default.svc.cluster.local',
      cluster: 'caller.default',
      metadata: { NAMESPACE: 'default', ...(proxyPort !== undefined && { HTTP_PROXY_PORT: proxyPort }), ...metadata },
    },
    // The port is told by a file, since a free port can be known to Envoy alone.
    admin: { address: socketAddress('127.0.0.1:0') },
    dynamic_resources: { ads_config: adsConfig(variant), lds_config: byAds, cds_config: byAds },
    static_resources: { listeners: [...listeners], clusters: [configServer(xds)] },
    ...(dns !== undefined && { typed_dns_resolver_config: resolverOf(dns) }),
  };
}

function adsConfig(variant: AdsVariant): JsonObject {
  const retry_back_off = { base_interval: '0.05s', max_interval: '0.5s' };
  return {
    api_type: variant,
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'config-server', retry_policy: { retry_back_off } } }],
  };
}

function configServer(xds: string): JsonObject {
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

export const byAds = { resource_api_version: 'V3', ads: {} };

export function socketAddress(hostPort: string): JsonObject {
  const [address = '', port = ''] = hostPort.split(':');
  return { socket_address: { address, port_value: Number(port) } };
}
