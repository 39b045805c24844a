import type { Cluster } from '@inmesh/xds/messages';

/**
 * Envoy refuses what is said of localities beside `load_balancing_policy`, where it would not count: each policy of the list
 * says it for itself.
 */
export function asEnvoyCluster(cluster: Cluster): Cluster {
  const { commonLbConfig, loadBalancingPolicy } = cluster;
  if (loadBalancingPolicy === undefined || commonLbConfig?.localityConfigSpecifier.case === undefined) return cluster;
  return { ...cluster, commonLbConfig: { ...commonLbConfig, localityConfigSpecifier: { case: undefined } } };
}
