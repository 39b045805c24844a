import type { RetryPolicy, RouteAction as RouteActionModel, WeightedTarget } from '@inmesh/core';
import type { RouteAction, WeightedCluster, WeightedCluster_ClusterWeight } from '../messages.js';
import { decodeRetryPolicy } from './decode-retry-policy.js';
import { decodeDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { refuse, warnIgnored } from './ignored-fields.js';

/** Envoy's route timeout when none is set (route_components.proto `timeout`). */
const defaultTimeoutMs = 15_000;

const maxTotalWeight = 0xffff_ffff;

/** @param inheritedRetry of the virtual host; a policy of the route replaces it whole, even one that disables */
export function decodeForward(
  message: RouteAction,
  inheritedRetry: RetryPolicy | undefined,
  at: FieldScope,
): RouteActionModel {
  refuseRewrites(message, at);
  warnOfIgnored(message, at);
  const targets = decodeTargets(message, at);
  return {
    kind: 'forward',
    targets,
    totalWeight: targets.reduce((sum, { weight }) => sum + weight, 0),
    timeoutMs: decodeDuration(message.timeout, defaultTimeoutMs, at.field('timeout')),
    idleTimeoutMs: 0,
    maxStreamDurationMs: 0,
    priority: 'default',
    pathRewrite: undefined,
    authorityRewrite: undefined,
    mirrors: [],
    hash: [],
    retry: message.retryPolicy ? decodeRetryPolicy(message.retryPolicy, at.field('retry_policy')) : inheritedRetry,
  };
}

function refuseRewrites(message: RouteAction, at: FieldScope): void {
  refuse(at, {
    prefix_rewrite: message.prefixRewrite,
    regex_rewrite: message.regexRewrite,
    path_rewrite_policy: message.pathRewritePolicy,
  });
  const { hostRewriteSpecifier: host } = message;
  if (host.case === 'autoHostRewrite') at.field('auto_host_rewrite').warn('is not supported yet: ignored');
  else if (host.case !== undefined) at.field('host_rewrite_specifier').error('is not supported yet');
}

function warnOfIgnored(message: RouteAction, at: FieldScope): void {
  warnIgnored(at, {
    request_mirror_policies: message.requestMirrorPolicies,
    hash_policy: message.hashPolicy,
    cors: message.cors,
    rate_limits: message.rateLimits,
    hedge_policy: message.hedgePolicy,
    metadata_match: message.metadataMatch,
    internal_redirect_policy: message.internalRedirectPolicy,
    retry_policy_typed_config: message.retryPolicyTypedConfig,
  });
}

function decodeTargets({ clusterSpecifier }: RouteAction, at: FieldScope): WeightedTarget[] {
  switch (clusterSpecifier.case) {
    case 'cluster':
      if (clusterSpecifier.value === '') at.field('cluster').error('must not be empty');
      return [{ cluster: clusterSpecifier.value, weight: 1 }];
    case 'weightedClusters':
      return decodeWeightedClusters(clusterSpecifier.value, at.field('weighted_clusters'));
    case undefined:
      at.field('cluster_specifier').error('is missing: "cluster" or "weighted_clusters" is needed');
      return [];
    default:
      at.field('cluster_specifier').error(`"${clusterSpecifier.case}" is not supported`);
      return [];
  }
}

/** Entries of weight zero take no part; a sum of zero or above 2^32-1 is an error (gRFC A28, Envoy `WeightedCluster`). */
function decodeWeightedClusters(message: WeightedCluster, at: FieldScope): WeightedTarget[] {
  if (message.randomValueSpecifier.case !== undefined) at.field('header_name').warn('is not supported yet: ignored');
  const targets = at.each('clusters', message.clusters, decodeWeightedCluster);
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) at.field('clusters').error('the sum of the weights is zero');
  if (sum > maxTotalWeight)
    at.field('clusters').error(`the sum of the weights, ${sum}, is more than ${maxTotalWeight}`);
  return targets.filter(({ weight }) => weight > 0);
}

function decodeWeightedCluster(message: WeightedCluster_ClusterWeight, at: FieldScope): WeightedTarget {
  if (message.name === '') at.field('name').error('must not be empty');
  refuse(at, { host_rewrite_literal: message.hostRewriteSpecifier.value, cluster_header: message.clusterHeader });
  warnIgnored(at, {
    metadata_match: message.metadataMatch,
    request_headers_to_add: message.requestHeadersToAdd,
    request_headers_to_remove: message.requestHeadersToRemove,
    response_headers_to_add: message.responseHeadersToAdd,
    response_headers_to_remove: message.responseHeadersToRemove,
    typed_per_filter_config: Object.keys(message.typedPerFilterConfig),
  });
  return { cluster: message.name, weight: message.weight ?? 0 };
}
