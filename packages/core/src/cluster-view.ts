import type { LoadBalancer } from './load-balancer/load-balancer.js';
import type { Cluster, Endpoint } from './model/cluster.js';
import type { CircuitBreaker } from './policy/circuit-breaker.js';
import type { RetryBudget } from './policy/retry-budget.js';

/** What the mesh has learnt of an address. One for each address of the process; outlives snapshots. */
export interface EndpointState {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Attempts sent to it that have not finished; what least request compares. */
  inFlight: number;
  /** True once no snapshot names it: pools drain, and calls on an older snapshot pick another. */
  removed: boolean;
}

/** What the mesh has learnt of a cluster. One for each cluster name; outlives snapshots. */
export interface ClusterState {
  readonly name: string;
  readonly breaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
  /** The cluster as the newest snapshot that has it sees it. */
  newest: ClusterView | undefined;
}

/** An endpoint as one snapshot sees it. */
export interface EndpointView {
  readonly endpoint: Endpoint;
  readonly state: EndpointState;
}

/** A cluster as one snapshot sees it. The same object is kept from snapshot to snapshot while nothing in it changes. */
export interface ClusterView {
  readonly cluster: Cluster;
  readonly endpoints: readonly EndpointView[];
  readonly loadBalancer: LoadBalancer;
  readonly state: ClusterState;
}
