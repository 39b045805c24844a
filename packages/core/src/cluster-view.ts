import type { Hash64 } from './load-balancer/hash64.js';
import type { LoadBalancer } from './load-balancer/load-balancer.js';
import type { Cluster, Endpoint } from './model/cluster.js';
import type { CircuitBreaker } from './policy/circuit-breaker.js';
import type { ClusterCounters } from './policy/cluster-counters.js';
import type { HostMonitor } from './policy/host-monitor.js';
import type { OutlierDetector } from './policy/outlier-detector.js';
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

/** What one cluster has learnt of one of its addresses: ejected from one cluster, an endpoint may serve in another. */
export interface ClusterHost {
  readonly address: string;
  /** When the cluster first had it, on the scale of the clock; what slow start counts from. */
  readonly addedAt: number;
  /** Set and unset by outlier detection alone, which then counts up `ClusterState.healthEpoch`. */
  ejected: boolean;
  /** What outlier detection has counted of it; undefined until the first result. */
  monitor?: HostMonitor | undefined;
}

/** What the mesh has learnt of a cluster. One for each cluster name; outlives snapshots. */
export interface ClusterState {
  readonly name: string;
  readonly breaker: CircuitBreaker;
  /** Of the routes with priority «high», whose thresholds are their own. */
  readonly highPriorityBreaker: CircuitBreaker;
  retryBudget: RetryBudget;
  /** Undefined where the cluster has no outlier detection. */
  outlierDetector: OutlierDetector | undefined;
  readonly counters: ClusterCounters;
  /** By address; an entry stays as long as the newest view has the endpoint. */
  readonly hosts: Map<string, ClusterHost>;
  /** Counts up when an endpoint is ejected or comes back: balancers then look at the hosts anew. */
  healthEpoch: number;
  /** The cluster as the newest snapshot that has it sees it. */
  newest: ClusterView | undefined;
}

/** An endpoint as one snapshot sees it. */
export interface EndpointView {
  readonly endpoint: Endpoint;
  /** 0 is the highest. */
  readonly priority: number;
  readonly host: ClusterHost;
  readonly state: EndpointState;
}

/** A cluster as one snapshot sees it. The same object is kept from snapshot to snapshot while nothing in it changes. */
export interface ClusterView {
  readonly cluster: Cluster;
  /** All of them, healthy or not, in order of priority. */
  readonly endpoints: readonly EndpointView[];
  readonly loadBalancer: LoadBalancer;
  /** How many percent of its share a priority or a locality is trusted with; undefined: 140 (Envoy endpoint.proto). */
  readonly overprovisioningPercent?: number | undefined;
  /** What makes the key of a call; undefined where the balancer looks at none. */
  readonly hash64?: Hash64 | undefined;
  readonly state: ClusterState;
}
