import { create } from '@bufbuild/protobuf';
import { type Cluster, Cluster_DiscoveryType, Cluster_LbPolicy, ClusterSchema } from '@inmesh/xds/messages';
import { fromAds } from './config-source.js';

/** Takes the share of backends that are not there, among others that are. A cluster that nobody knows would be refused. */
export const invalidBackend = 'inmesh-invalid-backend';

export function buildInvalidBackendCluster(): Cluster {
  return create(ClusterSchema, {
    name: invalidBackend,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: fromAds, serviceName: invalidBackend },
    lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
  });
}
