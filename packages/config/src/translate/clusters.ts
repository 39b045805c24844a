import { create, type JsonObject } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import { buildAssignment } from './assignments.js';
import { fromAds } from './config-source.js';
import { buildThresholds, keepaliveFields, protocolFields } from './connection-pools.js';
import { loadBalancerFields } from './load-balancers.js';
import type { LocalityGroup } from './locality-groups.js';
import { clusterName, type Discovery, type MeshPort, type MeshService } from './mesh-service.js';
import { buildOutlierDetection } from './outlier-detection.js';
import { transportFields } from './security/upstream-tls.js';
import type { ClusterPolicy } from './traffic-policy.js';

/** Istio's default (`destinationRule.connectTimeout`). */
const defaultConnectTimeout = { seconds: 10n, nanos: 0 };

const discoveryTypes: Readonly<Record<Discovery, Cluster_DiscoveryType>> = {
  eds: Cluster_DiscoveryType.EDS,
  strictDns: Cluster_DiscoveryType.STRICT_DNS,
  logicalDns: Cluster_DiscoveryType.LOGICAL_DNS,
  dialled: Cluster_DiscoveryType.ORIGINAL_DST,
};

export interface ClusterOfPort {
  readonly service: MeshService;
  readonly port: MeshPort;
  /** Empty for all endpoints of the port. */
  readonly subset: string;
  /** The port's own, but where the policy passes calls through. */
  readonly discovery: Discovery;
  readonly groups: readonly LocalityGroup[];
  readonly policy: ClusterPolicy;
  /** Whether the weights of the groups count. */
  readonly localityWeighted: boolean;
  /** Of the identities of its endpoints. */
  readonly trustDomain: string;
}

export function buildCluster(source: ClusterOfPort): Cluster {
  const { service, port, subset, policy } = source;
  const timeout = parseGoDuration(policy.connectionPool?.tcp?.connectTimeout ?? '');
  return create(ClusterSchema, {
    name: clusterName(service.host, port.number, subset),
    clusterDiscoveryType: { case: 'type', value: discoveryTypes[discoveryOf(source)] },
    ...endpointFields(source),
    connectTimeout: timeout.ok ? timeout.duration : defaultConnectTimeout,
    ...balancerFields(source),
    commonLbConfig: commonLbConfig(source),
    circuitBreakers: { thresholds: [buildThresholds(policy)] },
    ...(policy.outlierDetection && { outlierDetection: buildOutlierDetection(policy.outlierDetection) }),
    ...keepaliveFields(policy),
    ...protocolFields(port, policy),
    ...transportFields({ ...source, hasMeshTls: source.groups.some(hasMeshTls) }),
    metadata: { filterMetadata: { istio: metadataOf(source), ...errorStatusesOf(policy) } },
  });
}

function hasMeshTls({ endpoints }: LocalityGroup): boolean {
  return endpoints.some(({ takesMeshTls }) => takesMeshTls);
}

/** Envoy takes no other balancer where the endpoint is what was dialled. */
function balancerFields({ discovery, policy, localityWeighted }: ClusterOfPort) {
  if (discovery === 'dialled') return { lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED };
  return loadBalancerFields(policy.loadBalancer, localityWeighted);
}

/** Envoy's own default is to send to unhealthy endpoints when less than half are healthy; Istio's is never to. */
function commonLbConfig({ policy: { outlierDetection }, localityWeighted }: ClusterOfPort) {
  return {
    healthyPanicThreshold: { value: outlierDetection?.minHealthPercent ?? 0 },
    ...(localityWeighted && {
      localityConfigSpecifier: { case: 'localityWeightedLbConfig', value: {} } as const,
    }),
  };
}

/** A subset may have no endpoint, which only a STRICT_DNS cluster may say. */
function discoveryOf({ discovery, groups }: ClusterOfPort): Discovery {
  const count = groups.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  return discovery === 'logicalDns' && count !== 1 ? 'strictDns' : discovery;
}

function endpointFields({ service, port, subset, discovery, groups }: ClusterOfPort) {
  const name = clusterName(service.host, port.number, subset);
  if (discovery === 'dialled') return {};
  if (discovery === 'eds') return { edsClusterConfig: { edsConfig: fromAds, serviceName: name } };
  return {
    loadAssignment: buildAssignment(name, groups),
    respectDnsTtl: true,
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  };
}

/** Envoy's own API has no place for it (Istio `outlierDetectionHttpErrorCodes`). */
function errorStatusesOf({ outlierDetection }: ClusterPolicy): Record<string, JsonObject> {
  const statuses = outlierDetection?.outlierDetectionHttpErrorCodes ?? [];
  return statuses.length === 0 ? {} : { inmesh: { outlier_error_statuses: [...statuses] } };
}

/** As Istio writes it; metrics name the destination by it. */
function metadataOf({ service: { host, name, namespace }, subset }: ClusterOfPort) {
  return { services: [{ host, name, namespace }], ...(subset !== '' && { subset }) };
}
