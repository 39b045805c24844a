import type { RouteAction, WeightedCluster, WeightedCluster_ClusterWeight } from '@inmesh/xds/messages';
import { asGrpcFilters } from './filter-configs.js';

type Targets = RouteAction['clusterSpecifier'];

const largestSum = 0xffff_ffff;

/** Undefined where gRPC could not choose: no target has a weight, or a header names it. */
export function asGrpcTargets(targets: Targets): Targets | undefined {
  if (targets.case === 'cluster') return targets;
  if (targets.case !== 'weightedClusters') return undefined;
  const { clusters } = targets.value;
  const sum = clusters.reduce((total, { weight = 0 }) => total + weight, 0);
  if (sum === 0 || clusters.some(({ name }) => name === '')) return undefined;
  const changed = clusters.map((target) => asGrpcTarget(target, sum));
  if (changed.every((target, index) => target === clusters[index])) return targets;
  const value: WeightedCluster = { ...targets.value, clusters: changed };
  return { case: 'weightedClusters', value };
}

function asGrpcTarget(target: WeightedCluster_ClusterWeight, sum: number): WeightedCluster_ClusterWeight {
  const typedPerFilterConfig = asGrpcFilters(target.typedPerFilterConfig);
  const weight = sum > largestSum ? Math.floor(((target.weight ?? 0) / sum) * largestSum) : target.weight;
  if (typedPerFilterConfig === target.typedPerFilterConfig && weight === target.weight) return target;
  return { ...target, typedPerFilterConfig, ...(weight !== undefined && { weight }) };
}
