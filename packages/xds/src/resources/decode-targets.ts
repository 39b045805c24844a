import type { AuthorityRewrite, FaultPolicy, WeightedTarget } from '@inmesh/core';
import type { RouteAction, WeightedCluster, WeightedCluster_ClusterWeight } from '../messages.js';
import { decodeHeaderLevels } from './decode-header-mutations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeFilterConfigs } from './filter-configs.js';

const maxTotalWeight = 0xffff_ffff;

/** For a target without faults on a route that has one. */
const noFault: FaultPolicy = { delay: undefined, abort: undefined, headers: [], maxActive: Number.POSITIVE_INFINITY };

export function decodeTargets({ clusterSpecifier: specifier }: RouteAction, at: FieldScope): WeightedTarget[] {
  switch (specifier.case) {
    case 'cluster':
      if (specifier.value === '') at.field('cluster').error('must not be empty');
      return [{ cluster: specifier.value, weight: 1 }];
    case 'weightedClusters':
      return decodeWeightedClusters(specifier.value, at.field('weighted_clusters'));
    case undefined:
      at.field('cluster_specifier').error('is missing: "cluster" or "weighted_clusters" is needed');
      return [];
    default:
      return [];
  }
}

/** Entries of weight zero take no part; a sum of zero or above 2^32-1 is an error (gRFC A28, Envoy `WeightedCluster`). */
function decodeWeightedClusters(message: WeightedCluster, at: FieldScope): WeightedTarget[] {
  reportUnsupported(message, at);
  const targets = at.each('clusters', message.clusters, decodeWeightedCluster);
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) at.field('clusters').error('the sum of the weights is zero');
  if (sum > maxTotalWeight)
    at.field('clusters').error(`the sum of the weights, ${sum}, is more than ${maxTotalWeight}`);
  return targets.filter(({ weight }) => weight > 0);
}

function decodeWeightedCluster(message: WeightedCluster_ClusterWeight, at: FieldScope): WeightedTarget {
  reportUnsupported(message, at);
  if (message.name === '' && message.clusterHeader === '') at.field('name').error('must not be empty');
  const authorityRewrite = authorityRewriteOf(message);
  const { requestHeaders, responseHeaders } = decodeHeaderLevels(message, at);
  const { fault } = decodeFilterConfigs(message.typedPerFilterConfig, at);
  return {
    cluster: message.name,
    weight: message.weight ?? 0,
    ...(authorityRewrite && { authorityRewrite }),
    ...(requestHeaders[0] && { requestHeaders: requestHeaders[0] }),
    ...(responseHeaders[0] && { responseHeaders: responseHeaders[0] }),
    ...(fault && { fault: fault.policy ?? noFault }),
  };
}

function authorityRewriteOf({ hostRewriteSpecifier }: WeightedCluster_ClusterWeight): AuthorityRewrite | undefined {
  const value = hostRewriteSpecifier.value ?? '';
  return value === '' ? undefined : { kind: 'literal', value };
}
