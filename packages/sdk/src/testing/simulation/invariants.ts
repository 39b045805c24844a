import type { Clock, ClusterView, EndpointView, MeshSnapshot, SnapshotHolder } from '@inmesh/core';
import type { SimulatedCall } from './call.js';
import type { CallListener, Outcome } from './client.js';
import { RetryLedger } from './retry-ledger.js';
import { WeightLedger } from './weight-ledger.js';

export interface Violation {
  readonly rule: 'retry-budget' | 'endpoint' | 'in-flight' | 'weights' | 'deadline' | 'snapshot';
  /** Of the simulation's clock, in ms. */
  readonly at: number;
  readonly detail: string;
}

/**
 * Watches the calls of a simulation from outside and notes what must never be: retries above the budget, an attempt on an
 * endpoint that is removed or, outside of panic, not healthy, a call that outlives its deadline or changes its snapshot,
 * clusters drawn against their weights, and at the end a counter that is not back at zero.
 */
export class InvariantChecker implements CallListener {
  readonly violations: Violation[] = [];
  readonly #began = new Map<SimulatedCall, MeshSnapshot>();
  readonly #retries = new RetryLedger();
  readonly #weights = new WeightLedger();

  constructor(
    private readonly clock: Clock,
    private readonly snapshots: SnapshotHolder,
  ) {}

  callStarted(call: SimulatedCall): void {
    this.#began.set(call, call.snapshot);
  }

  attemptStarted(call: SimulatedCall, endpoint: EndpointView): void {
    this.#checkSnapshot(call);
    this.#checkEndpoint(call.cluster!, endpoint);
    if (call.deadline < this.clock.now()) this.#note('deadline', `attempt ${call.attempt} begins after the deadline`);
    this.#retries.recordAttempt(call, this.clock.now());
  }

  callEnded(call: SimulatedCall, { endedAt }: Outcome): void {
    this.#checkSnapshot(call);
    this.#began.delete(call);
    this.#weights.record(call);
    this.#retries.recordCall(call);
    if (endedAt > call.deadline)
      this.#note('deadline', `a call ended ${endedAt - call.deadline} ms after its deadline`);
  }

  finish(): void {
    for (const detail of this.#retries.excesses()) this.#note('retry-budget', detail);
    for (const detail of this.#weights.deviations()) this.#note('weights', detail);
    if (this.#began.size > 0) this.#note('in-flight', `${this.#began.size} calls have not ended`);
    for (const view of this.snapshots.current.clusters.values()) this.#checkCounters(view);
  }

  #checkSnapshot(call: SimulatedCall): void {
    const began = this.#began.get(call);
    // Copies for mirrors are not announced.
    if (began !== undefined && began !== call.snapshot) this.#note('snapshot', 'a call changed its snapshot');
  }

  #checkEndpoint(cluster: ClusterView, { endpoint, host, state }: EndpointView): void {
    if (state.removed) this.#note('endpoint', `${endpoint.address} was removed`);
    const healthy = endpoint.health === 'healthy' && !host.ejected;
    if (healthy || mayPanic(cluster)) return;
    this.#note(
      'endpoint',
      `${endpoint.address} is ${host.ejected ? 'ejected' : endpoint.health}, and there is no panic`,
    );
  }

  #checkCounters({ cluster: { name }, state, endpoints }: ClusterView): void {
    const { breaker, highPriorityBreaker } = state;
    for (const { requests, pendingRequests, retries } of [breaker, highPriorityBreaker]) {
      if (requests === 0 && pendingRequests === 0 && retries === 0) continue;
      this.#note('in-flight', `${name}: ${requests} requests, ${pendingRequests} pending, ${retries} retries remain`);
    }
    for (const { state: address } of endpoints) {
      if (address.inFlight !== 0) this.#note('in-flight', `${address.address}: ${address.inFlight} in flight remain`);
    }
  }

  #note(rule: Violation['rule'], detail: string): void {
    this.violations.push({ rule, at: this.clock.now(), detail });
  }
}

/** Some priority may panic: with a threshold, and with fewer healthy endpoints than it asks for. */
function mayPanic({ cluster, endpoints }: ClusterView): boolean {
  const { panicThresholdPercent } = cluster;
  if (panicThresholdPercent === 0) return false;
  const priorities = new Map<number, { healthy: number; total: number }>();
  for (const { endpoint, host, priority } of endpoints) {
    const level = priorities.get(priority) ?? { healthy: 0, total: 0 };
    level.total += 1;
    if (endpoint.health === 'healthy' && !host.ejected) level.healthy += 1;
    priorities.set(priority, level);
  }
  return [...priorities.values()].some(({ healthy, total }) => (100 * healthy) / total < panicThresholdPercent);
}
