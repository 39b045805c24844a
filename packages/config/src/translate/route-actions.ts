import { create } from '@bufbuild/protobuf';
import { type RouteAction, RouteActionSchema } from '@inmesh/xds/messages';
import type { ProtoDuration } from '../durations.js';
import { buildRetryPolicy, type RetrySettings } from './retry-policies.js';

export interface Target {
  readonly cluster: string;
  readonly weight: number;
}

const none: ProtoDuration = { seconds: 0n, nanos: 0 };

/**
 * Forwards to clusters by their weights; a weight of zero takes no part. Without a timeout there is none: Envoy's own
 * default of 15 s is not Istio's.
 */
export function forwardTo(
  targets: readonly Target[],
  retries: RetrySettings,
  timeout: ProtoDuration = none,
): RouteAction {
  const retryPolicy = buildRetryPolicy(retries);
  return create(RouteActionSchema, {
    clusterSpecifier: clusterSpecifier(targets.length === 1 ? targets : targets.filter(({ weight }) => weight > 0)),
    timeout,
    // Envoy reads the one, gRPC the other.
    ...(isSome(timeout) && { maxStreamDuration: { maxStreamDuration: timeout } }),
    ...(retryPolicy !== undefined && { retryPolicy }),
  });
}

function clusterSpecifier(targets: readonly Target[]) {
  const [only] = targets;
  if (only !== undefined && targets.length === 1) return { case: 'cluster', value: only.cluster } as const;
  const clusters = targets.map(({ cluster, weight }) => ({ name: cluster, weight }));
  return { case: 'weightedClusters', value: { clusters } } as const;
}

function isSome({ seconds, nanos }: ProtoDuration): boolean {
  return seconds > 0n || nanos > 0;
}
