import { create } from '@bufbuild/protobuf';
import { anyIs, anyPack } from '@bufbuild/protobuf/wkt';
import {
  AggregateClusterConfigSchema,
  type Cluster,
  Cluster_CustomClusterTypeSchema,
  Cluster_DiscoveryType,
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
  type LbEndpoint,
} from '@inmesh/xds/messages';
import { isIpAddress } from '../../translate/ip-address.js';
import { buildEmptyAssignment, edsConfigOf } from './empty-cluster.js';
import { addressOf, isServing } from './endpoints.js';
import { asGrpcBalancer } from './load-balancers.js';
import { asGrpcOutliers } from './outlier-detection.js';
import { canConnect, withoutPlainSocket } from './transport-sockets.js';

export interface GrpcCluster {
  readonly cluster: Cluster;
  /** Where they did not come by EDS before. */
  readonly endpoints?: ClusterLoadAssignment;
}

/**
 * A cluster, and those that it is made of. One that gRPC has no words for keeps its name and has no endpoints, so that its
 * calls fail and say the name: gRPC waits 15 s for a cluster that is not there, with the calls of all routes beside it.
 */
export function grpcClusters(cluster: Cluster): readonly GrpcCluster[] {
  if (!canConnect(cluster)) return [withoutEndpoints(cluster)];
  return byDiscovery(withoutPlainSocket(asGrpcOutliers(asGrpcBalancer(cluster))));
}

function byDiscovery(cluster: Cluster): readonly GrpcCluster[] {
  const { clusterDiscoveryType: discovery } = cluster;
  if (discovery.case === 'clusterType') {
    const config = discovery.value.typedConfig;
    const isAggregate = config !== undefined && anyIs(config, AggregateClusterConfigSchema);
    return [isAggregate ? { cluster } : withoutEndpoints(cluster)];
  }
  switch (discovery.value) {
    case Cluster_DiscoveryType.EDS:
      return [{ cluster }];
    case Cluster_DiscoveryType.STRICT_DNS:
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return byNames(cluster);
    case Cluster_DiscoveryType.ORIGINAL_DST:
      return [withoutEndpoints(cluster)];
    default:
      return [overEds(cluster, cluster.loadAssignment)];
  }
}

/**
 * gRPC resolves one name for a cluster. Several are clusters of their own, which it takes one after the other: the next when
 * the one before cannot be reached. It knows no set of names that share the calls.
 */
function byNames(cluster: Cluster): readonly GrpcCluster[] {
  const { loadAssignment } = cluster;
  const named = (loadAssignment?.endpoints ?? []).flatMap(({ lbEndpoints }) => lbEndpoints).filter(isServing);
  const addresses = named.map(addressOf);
  if (named.length === 0) return [withoutEndpoints(cluster)];
  if (addresses.every((address) => address !== undefined && isIpAddress(address.address))) {
    return [overEds(cluster, loadAssignment)];
  }
  if (named.length === 1) return [{ cluster: byName(cluster, cluster.name, named[0]!) }];
  const parts = named.map((endpoint, index) => byName(cluster, `${cluster.name}#${index + 1}`, endpoint));
  return [{ cluster: aggregateOf(cluster, parts) }, ...parts.map((part) => ({ cluster: part }))];
}

function byName(cluster: Cluster, name: string, endpoint: LbEndpoint): Cluster {
  const isSame = cluster.name === name && cluster.clusterDiscoveryType.value === Cluster_DiscoveryType.LOGICAL_DNS;
  if (isSame) return cluster;
  const loadAssignment = create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [{ lbEndpoints: [endpoint] }],
  });
  return {
    ...cluster,
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.LOGICAL_DNS },
    loadAssignment,
  };
}

function aggregateOf(cluster: Cluster, parts: readonly Cluster[]): Cluster {
  const { loadAssignment: _, ...rest } = cluster;
  const config = create(AggregateClusterConfigSchema, { clusters: parts.map(({ name }) => name) });
  const value = create(Cluster_CustomClusterTypeSchema, {
    name: 'envoy.clusters.aggregate',
    typedConfig: anyPack(AggregateClusterConfigSchema, config),
  });
  return { ...rest, clusterDiscoveryType: { case: 'clusterType', value } };
}

function withoutEndpoints(cluster: Cluster): GrpcCluster {
  const { transportSocket: _, ...plain } = asGrpcOutliers(asGrpcBalancer(cluster));
  return overEds(plain, buildEmptyAssignment(cluster.name));
}

function overEds(cluster: Cluster, given = buildEmptyAssignment(cluster.name)): GrpcCluster {
  const { loadAssignment: _, ...rest } = cluster;
  const { name } = cluster;
  return {
    cluster: {
      ...rest,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: edsConfigOf(name),
    },
    endpoints: { ...given, clusterName: name },
  };
}
