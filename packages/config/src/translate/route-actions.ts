import { create } from '@bufbuild/protobuf';
import {
  type RouteAction,
  type RouteAction_HashPolicy,
  type RouteAction_RequestMirrorPolicy,
  RouteActionSchema,
} from '@inmesh/xds/messages';
import type { ProtoDuration } from '../durations.js';
import type { FilterConfigs } from './filter-configs.js';
import type { HeaderChanges } from './header-changes.js';
import { buildRetryPolicy, type RetrySettings } from './retry-policies.js';
import { type RewriteSettings, rewriteFields } from './rewrites.js';

export interface Target {
  readonly cluster: string;
  readonly weight: number;
  /** What a request's hash is taken from, when the cluster places requests by it. */
  readonly hash?: readonly RouteAction_HashPolicy[];
  /** What follows is for requests that go to this cluster only. */
  readonly headers?: HeaderChanges | undefined;
  readonly host?: string | undefined;
  readonly filters?: FilterConfigs | undefined;
}

export interface ForwardSettings {
  readonly timeout?: ProtoDuration | undefined;
  readonly rewrite?: RewriteSettings | undefined;
  readonly mirrors?: readonly RouteAction_RequestMirrorPolicy[] | undefined;
}

const none: ProtoDuration = { seconds: 0n, nanos: 0 };

/**
 * Forwards to clusters by their weights; a weight of zero takes no part. Without a timeout there is none: Envoy's own
 * default of 15 s is not Istio's.
 */
export function forwardTo(
  targets: readonly Target[],
  retries: RetrySettings,
  { timeout = none, rewrite = {}, mirrors = [] }: ForwardSettings = {},
): RouteAction {
  const used = targets.length === 1 ? targets : targets.filter(({ weight }) => weight > 0);
  const retryPolicy = buildRetryPolicy(isHashed(targets) ? { ...retries, avoidPreviousHosts: false } : retries);
  return create(RouteActionSchema, {
    clusterSpecifier: clusterSpecifier(used),
    timeout,
    // Envoy reads the one, gRPC the other.
    ...(isSome(timeout) && { maxStreamDuration: { maxStreamDuration: timeout } }),
    ...(retryPolicy !== undefined && { retryPolicy }),
    ...rewriteFields(rewrite),
    hashPolicy: used.flatMap(({ hash = [] }) => hash),
    requestMirrorPolicies: [...mirrors],
  });
}

/** A request with a hash belongs to one endpoint, which is the right one to try again, too (retry.go `ConvertPolicy`). */
function isHashed(targets: readonly Target[]): boolean {
  const [only] = targets;
  return targets.length === 1 && only?.hash !== undefined && only.hash.length > 0;
}

function clusterSpecifier(targets: readonly Target[]) {
  const [only] = targets;
  if (only !== undefined && targets.length === 1 && isPlain(only)) {
    return { case: 'cluster', value: only.cluster } as const;
  }
  return { case: 'weightedClusters', value: { clusters: targets.map(weightedCluster) } } as const;
}

function isPlain({ headers, host, filters }: Target): boolean {
  return headers === undefined && host === undefined && filters === undefined;
}

function weightedCluster({ cluster, weight, headers, host, filters }: Target) {
  return {
    name: cluster,
    weight,
    ...headers,
    ...(host !== undefined && { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: host } }),
    ...(filters !== undefined && { typedPerFilterConfig: filters }),
  };
}

function isSome({ seconds, nanos }: ProtoDuration): boolean {
  return seconds > 0n || nanos > 0;
}
