// The listener `virtualInbound` as istiod writes it for a sidecar (pilot/pkg/networking/core, listener_inbound.go).
import type { JsonObject } from '@bufbuild/protobuf';
import { CorsSchema, HTTPFaultSchema, type Listener, TcpProxySchema, UdpaTypedStructSchema } from '../src/messages.js';
import { inboundListener, manager, meshTls, typed } from './inbound-fixtures.js';

const httpAlpn = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
const tcpAlpn = ['istio-peer-exchange', 'istio'];
const plainAlpn = ['http/1.1', 'h2c'];

export interface IstiodPort {
  readonly port: number;
  readonly kind: 'http' | 'tcp' | 'auto';
}

export interface IstiodInbound {
  readonly mode: 'STRICT' | 'PERMISSIVE';
  readonly ports: readonly IstiodPort[];
  /** Of policies, for HTTP. */
  readonly httpFilters?: readonly JsonObject[];
  /** Of policies, for TCP. */
  readonly networkFilters?: readonly JsonObject[];
}

/** With the blackhole, chains for ports that no Service names, and those of the ports. */
export function istiodInbound(options: IstiodInbound): Listener {
  const blackhole = {
    name: 'virtualInbound-blackhole',
    filterChainMatch: { destinationPort: 15_006 },
    filters: [exchange, stats, tcpProxy('BlackHoleCluster')],
  };
  const others = chainsOf('auto', undefined, options);
  const own = options.ports.flatMap(({ port, kind }) => chainsOf(kind, port, options));
  return inboundListener([blackhole, ...others, ...own], {
    continueOnListenerFiltersTimeout: true,
    listenerFiltersTimeout: '0s',
    useOriginalDst: true,
    listenerFilters: ['original_dst', 'tls_inspector', 'http_inspector'].map((name) => ({
      name: `envoy.filters.listener.${name}`,
    })),
    accessLog: [{ name: 'envoy.access_loggers.file' }],
    metadata: { filterMetadata: { istio: { 'istio.io/listener-class': 'inbound' } } },
  });
}

/** The ways in of one port; undefined for all that are not named. */
function chainsOf(kind: IstiodPort['kind'], port: number | undefined, options: IstiodInbound): JsonObject[] {
  const isStrict = options.mode === 'STRICT';
  const sent = { http: () => httpChain(options, port), tcp: () => tcpChain(options, port) };
  const secret = (protocols: readonly string[]) => ({ transportProtocol: 'tls', applicationProtocols: [...protocols] });
  const plain = (protocols: readonly string[] = []) => ({
    transportProtocol: 'raw_buffer',
    applicationProtocols: [...protocols],
  });
  const all: readonly (readonly [JsonObject, (() => JsonObject) | undefined, isTls: boolean])[] = {
    http: [
      [secret(isStrict ? [] : [...tcpAlpn, ...httpAlpn]), sent.http, true] as const,
      [plain(), isStrict ? undefined : sent.http, false] as const,
    ],
    tcp: [
      [secret(isStrict ? [] : [...tcpAlpn, ...httpAlpn]), sent.tcp, true] as const,
      [secret([]), isStrict ? undefined : sent.tcp, false] as const,
      [plain(), isStrict ? undefined : sent.tcp, false] as const,
    ],
    auto: [
      [secret(httpAlpn), sent.http, true] as const,
      [plain(plainAlpn), isStrict ? undefined : sent.http, false] as const,
      [secret(isStrict ? [] : tcpAlpn), sent.tcp, true] as const,
      [plain(), isStrict ? undefined : sent.tcp, false] as const,
      [secret([]), isStrict ? undefined : sent.tcp, false] as const,
    ],
  }[kind];
  return all.flatMap(([match, make, isTls]) => {
    if (make === undefined) return [];
    const filterChainMatch = port === undefined ? match : { ...match, destinationPort: port };
    return [{ filterChainMatch, ...make(), ...(isTls && { transportSocket: meshTls }) }];
  });
}

function httpChain({ httpFilters = [] }: IstiodInbound, port: number | undefined): JsonObject {
  const filters = [
    typed('istio.metadata_exchange', UdpaTypedStructSchema, { typeUrl: 'type.googleapis.com/envoy.Wasm' }),
    ...httpFilters,
    typed('envoy.filters.http.fault', HTTPFaultSchema, {}),
    typed('envoy.filters.http.cors', CorsSchema, {}),
    typed('istio.stats', UdpaTypedStructSchema, { typeUrl: 'type.googleapis.com/stats.PluginConfig' }),
  ];
  const connection = manager(filters, {
    statPrefix: `inbound_0.0.0.0_${port ?? 0}`,
    serverName: 'istio-envoy',
    streamIdleTimeout: '0s',
    useRemoteAddress: false,
    forwardClientCertDetails: 'APPEND_FORWARD',
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    normalizePath: true,
    pathWithEscapedSlashesAction: 'KEEP_UNCHANGED',
    routeConfig: {
      name: port === undefined ? 'InboundPassthroughCluster' : `inbound|${port}||`,
      validateClusters: false,
      virtualHosts: [
        {
          name: `inbound|http|${port ?? 0}`,
          domains: ['*'],
          routes: [
            {
              name: 'default',
              match: { prefix: '/' },
              decorator: { operation: `:${port ?? 0}/*` },
              route: {
                cluster: `inbound|${port ?? 0}||`,
                timeout: '0s',
                maxStreamDuration: { maxStreamDuration: '0s' },
              },
            },
          ],
        },
      ],
    },
  });
  return { name: nameOf(port, 'virtualInbound-catchall-http'), filters: [exchange, connection] };
}

function tcpChain({ networkFilters = [] }: IstiodInbound, port: number | undefined): JsonObject {
  const proxy = tcpProxy(port === undefined ? 'InboundPassthroughCluster' : `inbound|${port}||`);
  return { name: nameOf(port, 'virtualInbound'), filters: [exchange, ...networkFilters, stats, proxy] };
}

function nameOf(port: number | undefined, catchAll: string): string {
  return port === undefined ? catchAll : `0.0.0.0_${port}`;
}

const exchange = typed('istio.metadata_exchange', UdpaTypedStructSchema, {
  typeUrl: 'type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange',
  value: { protocol: 'istio-peer-exchange' },
});

const stats = typed('istio.stats', UdpaTypedStructSchema, { typeUrl: 'type.googleapis.com/stats.PluginConfig' });

function tcpProxy(cluster: string): JsonObject {
  return typed('envoy.filters.network.tcp_proxy', TcpProxySchema, { statPrefix: cluster, cluster });
}
