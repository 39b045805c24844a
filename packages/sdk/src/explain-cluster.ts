import type {
  CircuitBreakerThresholds,
  Cluster,
  ClusterView,
  EndpointView,
  ForwardAction,
  OutlierDetection,
} from '@inmesh/core';
import { transportTls } from './identity/upstream-tls.js';

export interface ExplainedEndpoint {
  readonly address: string;
  /** `healthy`, `unhealthy`, `draining`, or `ejected` by outlier detection. */
  readonly health: string;
  /** 0 is the highest. */
  readonly priority: number;
  readonly inFlight: number;
  readonly workload: string;
  /** What the mesh adds to a call: `mutual` TLS with a certificate of ours, `simple` TLS, or `none`. */
  readonly tls: 'none' | 'simple' | 'mutual';
}

/** What is said of a cluster, whichever route leads to it. */
export interface ClusterFacts {
  readonly name: string;
  readonly loadBalancer: string;
  /** How many retries its calls may have; absent where the route has none. */
  readonly retryBudget?: string;
  /** Circuit breaker thresholds that are finite. */
  readonly limits?: Partial<CircuitBreakerThresholds>;
  readonly outlierDetection?: string;
  readonly endpoints: readonly ExplainedEndpoint[];
}

export function explainCluster(
  name: string,
  view: ClusterView | undefined,
  { priority, retry }: Pick<ForwardAction, 'priority' | 'retry'>,
): ClusterFacts {
  if (view === undefined) return { name, loadBalancer: 'cluster is not configured', endpoints: [] };
  const { cluster } = view;
  const limits = finiteLimits(cluster.circuitBreakers[priority]);
  return {
    name,
    loadBalancer: cluster.loadBalancer.kind,
    ...(retry && { retryBudget: describeBudget(cluster) }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(cluster.outlierDetection && { outlierDetection: describeDetection(cluster.outlierDetection) }),
    endpoints: view.endpoints.map((endpoint) => explainEndpoint(cluster, endpoint)),
  };
}

function explainEndpoint(cluster: Cluster, { endpoint, host, state, priority }: EndpointView): ExplainedEndpoint {
  const tls = transportTls(cluster, endpoint);
  return {
    address: endpoint.address,
    health: host.ejected ? 'ejected' : endpoint.health,
    priority,
    inFlight: state.inFlight,
    workload: endpoint.workload?.name ?? '',
    tls: tls === undefined ? 'none' : tls.certificate === undefined ? 'simple' : 'mutual',
  };
}

function describeBudget({ retryBudget }: Cluster): string {
  return retryBudget === undefined
    ? '20 % of the calls of the last 10 s, and one a second at least'
    : `${retryBudget.percent} % of the calls under way, and ${retryBudget.minConcurrency} at least`;
}

function finiteLimits(thresholds: CircuitBreakerThresholds): Partial<CircuitBreakerThresholds> {
  return Object.fromEntries(Object.entries(thresholds).filter(([, limit]) => Number.isFinite(limit)));
}

function describeDetection(settings: OutlierDetection): string {
  const reasons = [
    describeCount(settings.consecutive5xx, settings.enforcingConsecutive5xx, '5xx'),
    describeCount(settings.consecutiveGatewayFailure, settings.enforcingConsecutiveGatewayFailure, 'gateway failures'),
    settings.enforcingSuccessRate > 0 ? 'a low success rate' : '',
    settings.enforcingFailurePercentage > 0 ? `${settings.failurePercentageThreshold} % failures` : '',
  ].filter((reason) => reason !== '');
  const seconds = settings.baseEjectionTimeMs / 1000;
  return `after ${reasons.join(', or ')}: out for ${seconds} s and longer each time, ${settings.maxEjectionPercent} % of the endpoints at most`;
}

function describeCount(count: number, enforcingPercent: number, what: string): string {
  return count > 0 && enforcingPercent > 0 ? `${count} ${what} in a row` : '';
}
