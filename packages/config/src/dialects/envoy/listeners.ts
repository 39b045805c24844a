import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  HttpConnectionManagerSchema,
  type HttpFilter,
  type Listener,
  ListenerSchema,
  TcpProxySchema,
  TrafficDirection,
} from '@inmesh/xds/messages';
import { fromAds } from '../../translate/config-source.js';
import { buildHttpFilters } from '../../translate/filter-configs.js';
import { blackHoleCluster, passthroughCluster } from './egress-clusters.js';

export interface HttpListener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Gets its connections from another listener. */
  readonly isUnbound: boolean;
  /** The name of its route configuration. */
  readonly routes: string;
  readonly limits: readonly HttpFilter[];
}

/** With the settings of istiod, where they differ from Envoy's. */
export function httpListener({ name, address, port, isUnbound, routes, limits }: HttpListener): Listener {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: `outbound_${name}`,
    routeSpecifier: { case: 'rds', value: { routeConfigName: routes, configSource: fromAds } },
    httpFilters: [...limits, ...buildHttpFilters()],
    // The application's own headers are not to be trusted less because they pass through here.
    useRemoteAddress: false,
    normalizePath: true,
    // `reviews.default.svc.cluster.local.` is what a resolver with search domains is best given.
    stripTrailingHostDot: true,
    httpProtocolOptions: { allowAbsoluteUrl: true },
    upgradeConfigs: [{ upgradeType: 'websocket' }],
  });
  const filter = {
    name: 'envoy.filters.network.http_connection_manager',
    configType: { case: 'typedConfig', value: anyPack(HttpConnectionManagerSchema, manager) },
  } as const;
  return create(ListenerSchema, {
    name,
    address: socketAddress(address, port),
    trafficDirection: TrafficDirection.OUTBOUND,
    ...(isUnbound && { bindToPort: false }),
    filterChains: [{ filters: [filter] }],
  });
}

/** Hands on the connections of one port to where they were meant to go. */
export function tcpListener(port: number): Listener {
  return create(ListenerSchema, {
    name: `0.0.0.0_${port}`,
    address: socketAddress('0.0.0.0', port),
    trafficDirection: TrafficDirection.OUTBOUND,
    bindToPort: false,
    filterChains: [tcpTo(passthroughCluster)],
  });
}

/** Where istio-iptables sends what leaves a pod. */
const outboundPort = 15_001;

/** Hands each connection to the listener of the address that it was meant for. */
export function virtualOutbound(registryOnly: boolean): Listener {
  return create(ListenerSchema, {
    name: 'virtualOutbound',
    address: socketAddress('0.0.0.0', outboundPort),
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    filterChains: [
      // A call to this port itself would come back to it for ever.
      {
        name: 'virtualOutbound-blackhole',
        filterChainMatch: { destinationPort: outboundPort },
        ...tcpTo(blackHoleCluster),
      },
    ],
    defaultFilterChain: {
      name: 'virtualOutbound-catchall-tcp',
      ...tcpTo(registryOnly ? blackHoleCluster : passthroughCluster),
    },
  });
}

function tcpTo(cluster: string) {
  const proxy = create(TcpProxySchema, { statPrefix: cluster, clusterSpecifier: { case: 'cluster', value: cluster } });
  const typedConfig = anyPack(TcpProxySchema, proxy);
  const name = 'envoy.filters.network.tcp_proxy';
  return { filters: [{ name, configType: { case: 'typedConfig', value: typedConfig } as const }] };
}

function socketAddress(address: string, port: number) {
  const value = { address, portSpecifier: { case: 'portValue', value: port } } as const;
  return { address: { case: 'socketAddress', value } } as const;
}
