import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  type CircuitBreakers_Thresholds,
  CircuitBreakers_ThresholdsSchema,
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterHttpProtocolOptionsSchema,
  ClusterSchema,
} from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import { buildAssignment } from './assignments.js';
import { fromAds } from './config-source.js';
import { loadBalancerFields } from './load-balancers.js';
import { clusterName, type Discovery, type MeshEndpoint, type MeshPort, type MeshService } from './mesh-service.js';
import type { ClusterPolicy } from './traffic-policy.js';

/** Istio's default (`destinationRule.connectTimeout`). */
const defaultConnectTimeout = { seconds: 10n, nanos: 0 };

/** Istio writes the largest value that fits where it wants no limit. */
const unlimited = 0xffff_ffff;

const discoveryTypes: Readonly<Record<Discovery, Cluster_DiscoveryType>> = {
  eds: Cluster_DiscoveryType.EDS,
  strictDns: Cluster_DiscoveryType.STRICT_DNS,
  logicalDns: Cluster_DiscoveryType.LOGICAL_DNS,
};

export interface ClusterOfPort {
  readonly service: MeshService;
  readonly port: MeshPort;
  /** Empty for all endpoints of the port. */
  readonly subset: string;
  readonly endpoints: readonly MeshEndpoint[];
  readonly policy: ClusterPolicy;
}

export function buildCluster(source: ClusterOfPort): Cluster {
  const { service, port, subset, policy } = source;
  const timeout = parseGoDuration(policy.connectionPool?.tcp?.connectTimeout ?? '');
  return create(ClusterSchema, {
    name: clusterName(service.host, port.number, subset),
    clusterDiscoveryType: { case: 'type', value: discoveryTypes[discoveryOf(source)] },
    ...endpointFields(source),
    connectTimeout: timeout.ok ? timeout.duration : defaultConnectTimeout,
    ...loadBalancerFields(policy.loadBalancer),
    circuitBreakers: { thresholds: [buildThresholds(policy)] },
    ...protocolFields(port, policy),
    metadata: { filterMetadata: { istio: metadataOf(source) } },
  });
}

/** A subset may have no endpoint, which only a STRICT_DNS cluster may say. */
function discoveryOf({ port, endpoints }: ClusterOfPort): Discovery {
  return port.discovery === 'logicalDns' && endpoints.length !== 1 ? 'strictDns' : port.discovery;
}

function endpointFields({ service, port, subset, endpoints }: ClusterOfPort) {
  const name = clusterName(service.host, port.number, subset);
  if (port.discovery === 'eds') return { edsClusterConfig: { edsConfig: fromAds, serviceName: name } };
  return {
    loadAssignment: buildAssignment(name, endpoints),
    respectDnsTtl: true,
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  };
}

function buildThresholds({ connectionPool, retryBudget }: ClusterPolicy): CircuitBreakers_Thresholds {
  return create(CircuitBreakers_ThresholdsSchema, {
    maxConnections: connectionPool?.tcp?.maxConnections || unlimited,
    maxPendingRequests: connectionPool?.http?.http1MaxPendingRequests || unlimited,
    maxRequests: connectionPool?.http?.http2MaxRequests || unlimited,
    maxRetries: connectionPool?.http?.maxRetries || unlimited,
    ...(retryBudget !== undefined && {
      // Envoy's and Istio's defaults alike: a fifth of the requests, three at least.
      retryBudget: {
        budgetPercent: { value: retryBudget.percent ?? 20 },
        minRetryConcurrency: retryBudget.minRetryConcurrency ?? 3,
      },
    }),
  });
}

const protocolOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Left out where it would say nothing: Envoy's own default is HTTP/1.1 without a limit. */
function protocolFields({ protocol }: MeshPort, { connectionPool }: ClusterPolicy) {
  const maxRequestsPerConnection = connectionPool?.http?.maxRequestsPerConnection || undefined;
  if (protocol !== 'http2' && maxRequestsPerConnection === undefined) return {};
  const options = create(ClusterHttpProtocolOptionsSchema, {
    ...(maxRequestsPerConnection !== undefined && { commonHttpProtocolOptions: { maxRequestsPerConnection } }),
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: {
        protocolConfig:
          protocol === 'http2'
            ? { case: 'http2ProtocolOptions', value: {} }
            : { case: 'httpProtocolOptions', value: {} },
      },
    },
  });
  return {
    typedExtensionProtocolOptions: { [protocolOptionsName]: anyPack(ClusterHttpProtocolOptionsSchema, options) },
  };
}

/** As Istio writes it; metrics name the destination by it. */
function metadataOf({ service: { host, name, namespace }, subset }: ClusterOfPort) {
  return { services: [{ host, name, namespace }], ...(subset !== '' && { subset }) };
}
