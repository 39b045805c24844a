import { create } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_DiscoveryType,
  type Cluster_EdsClusterConfig,
  Cluster_EdsClusterConfigSchema,
  Cluster_LbPolicy,
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
} from '@inmesh/xds/messages';
import { fromAds } from '../../translate/config-source.js';

/** Calls to it fail at once, and say its name. */
export function buildEmptyCluster(name: string): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: edsConfigOf(name),
    lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
  });
}

export function buildEmptyAssignment(clusterName: string): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, { clusterName });
}

export function edsConfigOf(serviceName: string): Cluster_EdsClusterConfig {
  return create(Cluster_EdsClusterConfigSchema, { edsConfig: fromAds, serviceName });
}
