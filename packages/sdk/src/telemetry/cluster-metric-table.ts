import { type BreakerKind, type CircuitBreaker, type ClusterState, type ClusterView, outlierKinds } from '@inmesh/core';
import { clusterMetricName } from './names.js';

/** One metric of a cluster, read when it is asked for. */
export interface ClusterMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Undefined where the cluster has nothing to tell: then there is no series. */
  read(view: ClusterView): number | undefined;
}

const counts = [
  ['upstream_rq_total', 'Attempts sent.', sentRequests],
  ['upstream_rq_retry', 'Retries.', ({ counters }) => counters.upstreamRqRetry],
  ['upstream_rq_retry_success', 'Retries that did well.', ({ counters }) => counters.upstreamRqRetrySuccess],
  ['upstream_rq_retry_overflow', 'Retries that were not allowed.', ({ counters }) => counters.upstreamRqRetryOverflow],
  [
    'upstream_rq_retry_limit_exceeded',
    'Calls whose retries were used up.',
    ({ counters }) => counters.upstreamRqRetryLimitExceeded,
  ],
  ['upstream_rq_timeout', 'Calls whose time passed while they waited.', ({ counters }) => counters.upstreamRqTimeout],
  ['upstream_rq_per_try_timeout', 'Attempts whose time passed.', ({ counters }) => counters.upstreamRqPerTryTimeout],
  ['upstream_rq_pending_overflow', 'Requests that a circuit breaker refused.', refusedRequests],
] as const satisfies readonly (readonly [string, string, (state: ClusterState) => number])[];

/** Envoy's names of a kind: in the remaining counts, and in the gauges of open breakers. */
const breakerKinds: readonly (readonly [BreakerKind, remaining: string, open: string])[] = [
  ['connections', 'remaining_cx', 'cx_open'],
  ['pendingRequests', 'remaining_pending', 'rq_pending_open'],
  ['requests', 'remaining_rq', 'rq_open'],
  ['retries', 'remaining_retries', 'rq_retry_open'],
];

/** Envoy's cluster statistics (cluster_stats.rst), as its Prometheus endpoint names them. */
export const clusterMetrics: readonly ClusterMetric[] = [
  ...counts.map(([name, help, read]) => counter(name, help, ({ state }) => read(state))),
  gauge('membership_total', 'Endpoints.', (view) => view.endpoints.length),
  gauge('membership_healthy', 'Endpoints that are healthy and not ejected.', healthyEndpoints),
  ...breakerMetrics('default', ({ breaker }) => breaker),
  ...breakerMetrics('high', ({ highPriorityBreaker }) =>
    wasUsed(highPriorityBreaker) ? highPriorityBreaker : undefined,
  ),
  ...outlierMetrics(),
];

function counter(name: string, help: string, read: ClusterMetric['read']): ClusterMetric {
  return { name: clusterMetricName(name), help, type: 'counter', read };
}

function gauge(name: string, help: string, read: ClusterMetric['read']): ClusterMetric {
  return { name: clusterMetricName(name), help, type: 'gauge', read };
}

function breakerMetrics(
  priority: 'default' | 'high',
  breakerOf: (state: ClusterState) => CircuitBreaker | undefined,
): ClusterMetric[] {
  return breakerKinds.flatMap(([kind, remaining, open]) => {
    const remainingOf = ({ state }: ClusterView) => breakerOf(state)?.remaining(kind);
    return [
      gauge(`circuit_breakers_${priority}_${remaining}`, 'What is left until the breaker opens.', (view) => {
        const left = remainingOf(view);
        return left === Number.POSITIVE_INFINITY ? undefined : left;
      }),
      gauge(`circuit_breakers_${priority}_${open}`, 'Whether the breaker is open: 1 or 0.', (view) => {
        const left = remainingOf(view);
        return left === undefined ? undefined : Number(left === 0);
      }),
    ];
  });
}

function outlierMetrics(): ClusterMetric[] {
  const perKind = outlierKinds.flatMap((kind) => [
    counter(`outlier_detection_ejections_detected_${kind}`, 'Ejections that were due.', ({ state }) =>
      unlessZero(state.outlierDetector?.counters.detected[kind]),
    ),
    counter(`outlier_detection_ejections_enforced_${kind}`, 'Ejections that were carried out.', ({ state }) =>
      unlessZero(state.outlierDetector?.counters.enforced[kind]),
    ),
  ]);
  return [
    gauge(
      'outlier_detection_ejections_active',
      'Endpoints ejected now.',
      ({ state }) => state.outlierDetector?.ejectedHosts,
    ),
    counter('outlier_detection_ejections_enforced_total', 'Ejections that were carried out.', ({ state }) => {
      return state.outlierDetector?.counters.enforcedTotal;
    }),
    counter('outlier_detection_ejections_overflow', 'Ejections above the maximum share.', ({ state }) => {
      return state.outlierDetector?.counters.overflow;
    }),
    ...perKind,
  ];
}

/** Fourteen series of zeroes a cluster would say nothing. */
function unlessZero(count: number | undefined): number | undefined {
  return count === 0 ? undefined : count;
}

function sentRequests({ breaker, highPriorityBreaker }: ClusterState): number {
  return breaker.totalRequests + highPriorityBreaker.totalRequests;
}

/** Envoy counts both limits as one: requests wait in its pool for either. */
function refusedRequests({ breaker, highPriorityBreaker }: ClusterState): number {
  return refused(breaker) + refused(highPriorityBreaker);
}

function refused({ overflows }: CircuitBreaker): number {
  return overflows.requests + overflows.pendingRequests;
}

function wasUsed(breaker: CircuitBreaker): boolean {
  return breaker.totalRequests > 0 || refused(breaker) > 0;
}

function healthyEndpoints({ endpoints }: ClusterView): number {
  let healthy = 0;
  for (const { endpoint, host } of endpoints) if (endpoint.health === 'healthy' && !host.ejected) healthy += 1;
  return healthy;
}

/** Whether anything has happened in a cluster that metrics could tell; most of a large mesh is never called. */
export function hasTraffic({ state }: ClusterView): boolean {
  return wasUsed(state.breaker) || wasUsed(state.highPriorityBreaker);
}
