import { create } from '@bufbuild/protobuf';
import { type Cluster, Cluster_DiscoveryType, Cluster_LbPolicy, ClusterSchema } from '@inmesh/xds/messages';
import { fromAds } from './config-source.js';
import { buildAbort, unavailable } from './faults.js';
import { filterConfigs } from './filter-configs.js';
import type { Target } from './route-actions.js';

/** Takes the share of backends that are not there. A cluster that nobody knows would be refused. */
export const invalidBackend = 'inmesh-invalid-backend';

/** The status 500 (HTTPRoute `backendRefs`), and UNAVAILABLE (GRPCRoute `backendRefs`). */
const answers = {
  HTTPRoute: buildAbort({ case: 'httpStatus', value: 500 }),
  GRPCRoute: unavailable,
} as const;

/** A direct response would answer more simply, but gRPC for Node refuses the routes that have one. */
export function invalidTarget(weight: number, kind: keyof typeof answers): Target {
  return { cluster: invalidBackend, weight, filters: filterConfigs({ fault: answers[kind] }) };
}

export function buildInvalidBackendCluster(): Cluster {
  return create(ClusterSchema, {
    name: invalidBackend,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: fromAds, serviceName: invalidBackend },
    lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
  });
}
