import type { ResourceSet } from '@inmesh/xds';
import type { Cluster, ClusterLoadAssignment, RouteConfiguration } from '@inmesh/xds/messages';
import type { Client } from '../../client.js';
import type { Memory } from '../../memory.js';
import { referencedClusters } from '../../translate/referenced-clusters.js';
import { byName } from '../by-name.js';
import { type Entry, entriesOf } from '../entries.js';
import { asGrpcAssignment } from './assignments.js';
import { type GrpcCluster, grpcClusters } from './clusters.js';
import { buildEmptyAssignment, buildEmptyCluster } from './empty-cluster.js';
import { grpcListeners } from './listeners.js';
import { asGrpcRoutes } from './route-configurations.js';
import { buildServerListener } from './server-listeners.js';

/**
 * What libraries of gRPC read (gRFC A27 and those that follow it; measured with grpc-js-xds 1.14): they refuse a whole
 * resource for one thing in it that they do not know, so each is said in words that they know, or left out where it does not
 * change what calls meet. What has no such words fails calls as UNAVAILABLE instead of sending them elsewhere.
 */
export function forGrpc(resources: ResourceSet, client: Client, memory: Memory): ResourceSet {
  const entries = entriesOf(resources, memory).filter(({ host }) => !host.includes('*'));
  const routes = [...byRoutes(entries)].map(([configuration, own]) =>
    memory.recall(configuration, 'for grpc', own, () => asGrpcRoutes(configuration, own)),
  );
  const clusters = withMissing(resources.clusters, routes).flatMap((cluster) =>
    memory.recall(cluster, 'for grpc', [], () => grpcClusters(cluster)),
  );
  return {
    ...resources,
    listeners: byName(grpcListeners(entries, client, memory)),
    routes: byName(routes),
    clusters: byName(clusters.map(({ cluster }) => cluster)),
    assignments: assignmentsOf(clusters, resources.assignments, memory),
    listenerOnDemand: buildServerListener,
  };
}

function byRoutes(entries: readonly Entry[]): Map<RouteConfiguration, Entry[]> {
  const grouped = new Map<RouteConfiguration, Entry[]>();
  for (const entry of entries) {
    const known = grouped.get(entry.routes);
    if (known === undefined) grouped.set(entry.routes, [entry]);
    else known.push(entry);
  }
  return grouped;
}

/**
 * With those that only routes name: for a cluster that is not there gRPC waits 15 s, and all calls of its routes with it. The
 * one for routes that answer by themselves is among them.
 */
function withMissing(clusters: ReadonlyMap<string, Cluster>, routes: readonly RouteConfiguration[]): Cluster[] {
  const missing = [...referencedClusters(routes)].filter((name) => !clusters.has(name));
  return [...clusters.values(), ...missing.map(buildEmptyCluster)];
}

function assignmentsOf(
  clusters: readonly GrpcCluster[],
  given: ReadonlyMap<string, ClusterLoadAssignment>,
  memory: Memory,
): Map<string, ClusterLoadAssignment> {
  const entries = clusters.flatMap(({ cluster, endpoints }): [string, ClusterLoadAssignment][] => {
    if (cluster.edsClusterConfig === undefined) return [];
    const name = cluster.edsClusterConfig.serviceName || cluster.name;
    const assignment = endpoints ?? given.get(name) ?? buildEmptyAssignment(name);
    const converted = () => asGrpcAssignment(assignment, cluster);
    return [[name, memory.recall(assignment, 'for grpc', [cluster], converted)]];
  });
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
