import type { Clock, Random } from './clock.js';
import type { ClusterState } from './cluster-view.js';
import type { Cluster } from './model/cluster.js';
import { CircuitBreaker } from './policy/circuit-breaker.js';
import { ClusterCounters } from './policy/cluster-counters.js';
import { OutlierDetector } from './policy/outlier-detector.js';
import { ConcurrentRetryBudget, type RetryBudget, WindowRetryBudget } from './policy/retry-budget.js';

interface Sources {
  readonly clock: Clock;
  readonly random: Random;
}

export function createClusterState(cluster: Cluster, sources: Sources): ClusterState {
  const state: ClusterState = {
    name: cluster.name,
    breaker: new CircuitBreaker(cluster.circuitBreakers.default),
    highPriorityBreaker: new CircuitBreaker(cluster.circuitBreakers.high),
    retryBudget: retryBudget(cluster, sources),
    outlierDetector: undefined,
    counters: new ClusterCounters(),
    hosts: new Map(),
    healthEpoch: 0,
    newest: undefined,
  };
  updateDetector(state, cluster, sources);
  return state;
}

/** New settings hold from now on, for the calls of older snapshots too; what was counted and learnt stays. */
export function updateClusterState(state: ClusterState, from: Cluster, to: Cluster, sources: Sources): void {
  state.breaker.thresholds = to.circuitBreakers.default;
  state.highPriorityBreaker.thresholds = to.circuitBreakers.high;
  if (!sameBudget(from, to)) state.retryBudget = retryBudget(to, sources);
  updateDetector(state, to, sources);
}

/** The cluster is gone: nothing of it may go on by itself. */
export function closeClusterState(state: ClusterState): void {
  state.outlierDetector?.close();
  state.outlierDetector = undefined;
}

function updateDetector(state: ClusterState, { outlierDetection: settings }: Cluster, sources: Sources): void {
  if (settings === undefined) closeClusterState(state);
  else if (state.outlierDetector === undefined)
    state.outlierDetector = new OutlierDetector({ ...sources, settings, cluster: state });
  else state.outlierDetector.settings = settings;
}

function retryBudget(cluster: Cluster, { clock }: Sources): RetryBudget {
  return cluster.retryBudget === undefined
    ? new WindowRetryBudget(clock)
    : new ConcurrentRetryBudget(cluster.retryBudget);
}

function sameBudget(a: Cluster, b: Cluster): boolean {
  return (
    a.retryBudget?.percent === b.retryBudget?.percent && a.retryBudget?.minConcurrency === b.retryBudget?.minConcurrency
  );
}
