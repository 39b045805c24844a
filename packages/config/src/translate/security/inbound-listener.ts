import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  DownstreamTlsContextSchema,
  type FilterChain,
  FilterChainSchema,
  HttpConnectionManagerSchema,
  type HttpFilter,
  type Listener,
  ListenerSchema,
  RouterSchema,
  TrafficDirection,
} from '@inmesh/xds/messages';
import { servedHere } from '../served-here.js';
import { httpFilter } from './http-filter.js';
import type { PathSettings } from './path-normalization.js';
import type { PeerMode, WorkloadModes } from './peer-modes.js';
import { workloadCertificates, workloadValidation } from './workload-secrets.js';

/** istiod's name for what comes into a workload. */
export const inboundListenerName = 'virtualInbound';

type Transport = 'tls' | 'raw_buffer';

const transports: Readonly<Record<PeerMode, readonly Transport[]>> = {
  STRICT: ['tls'],
  PERMISSIVE: ['tls', 'raw_buffer'],
  DISABLE: ['raw_buffer'],
};

/** What a workload takes, and what becomes of a request; a port and transport that no chain is for are closed. */
export function buildInboundListener(
  { mode, ports }: WorkloadModes,
  filters: readonly HttpFilter[],
  paths: PathSettings = {},
): Listener {
  const own = [...ports].filter(([, ofPort]) => ofPort !== mode).sort(([a], [b]) => a - b);
  const filterChains = [
    ...own.flatMap(([port, ofPort]) =>
      transports[ofPort].map((transport) => buildChain(transport, port, filters, paths)),
    ),
    ...transports[mode].map((transport) => buildChain(transport, undefined, filters, paths)),
  ];
  return create(ListenerSchema, {
    name: inboundListenerName,
    address: {
      address: {
        case: 'socketAddress',
        value: { address: '0.0.0.0', portSpecifier: { case: 'portValue', value: 15_006 } },
      },
    },
    useOriginalDst: true,
    trafficDirection: TrafficDirection.INBOUND,
    filterChains,
  });
}

function buildChain(
  transport: Transport,
  port: number | undefined,
  filters: readonly HttpFilter[],
  paths: PathSettings,
): FilterChain {
  return create(FilterChainSchema, {
    name: `${inboundListenerName}-${port === undefined ? 'catchall' : port}-${transport === 'tls' ? 'tls' : 'plaintext'}`,
    filterChainMatch: { transportProtocol: transport, ...(port !== undefined && { destinationPort: port }) },
    filters: [
      {
        name: 'envoy.filters.network.http_connection_manager',
        configType: { case: 'typedConfig', value: packedManager(filters, paths) },
      },
    ],
    ...(transport === 'tls' && { transportSocket: buildServerSocket() }),
  });
}

function packedManager(filters: readonly HttpFilter[], paths: PathSettings) {
  const manager: MessageInitShape<typeof HttpConnectionManagerSchema> = {
    statPrefix: 'inbound',
    ...paths,
    httpFilters: [...filters, httpFilter('envoy.filters.http.router', RouterSchema, {})],
    routeSpecifier: servedHere,
  };
  return anyPack(HttpConnectionManagerSchema, create(HttpConnectionManagerSchema, manager));
}

function buildServerSocket() {
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: { ...workloadCertificates(), ...workloadValidation([]) },
  });
  return {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: anyPack(DownstreamTlsContextSchema, context) } as const,
  };
}
