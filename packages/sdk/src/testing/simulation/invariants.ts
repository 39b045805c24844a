import type { Clock, ClusterView, EndpointView, MeshSnapshot, SnapshotHolder } from '@inmesh/core';
import type { SimulatedCall } from './call.js';
import type { CallListener, Outcome } from './client.js';
import { ConcurrencyRules } from './concurrency-rules.js';
import { isHealthy, mayHaveNoPlace, wrongWithEndpoint, wrongWithNoEndpoint } from './endpoint-rules.js';
import { KeyLedger } from './key-ledger.js';
import { RateLedger } from './rate-ledger.js';
import { RetryLedger } from './retry-ledger.js';
import { wrongWithRetry, wrongWithTry } from './retry-rules.js';
import { WeightLedger } from './weight-ledger.js';

export interface Violation {
  readonly rule:
    | 'retry'
    | 'retry-budget'
    | 'endpoint'
    | 'key'
    | 'limit'
    | 'rate-limit'
    | 'in-flight'
    | 'weights'
    | 'deadline'
    | 'mirror'
    | 'snapshot';
  /** Of the simulation's clock, in ms. */
  readonly at: number;
  readonly detail: string;
}

/** What a call began with. */
interface Beginning {
  readonly snapshot: MeshSnapshot;
  readonly deadline: number;
  /** Whether it has been seen on a newer view of its cluster. */
  hasLeft: boolean;
}

/** Sums of fractions are not exact. */
const tolerance = 1e-6;

/**
 * Watches the calls of a simulation from outside and notes what must never be: a retry that nothing asks for or that is
 * above the budget, an attempt on an endpoint that is removed or, outside of panic, not healthy, more at once than a
 * breaker or a rate limit allows, a call that outlives its deadline or its caller or changes its snapshot, a key that leads
 * elsewhere, clusters drawn against their weights, and at the end a counter that is not back at zero.
 */
export class InvariantChecker implements CallListener {
  readonly violations: Violation[] = [];
  readonly #began = new Map<SimulatedCall, Beginning>();
  readonly #retries = new RetryLedger();
  readonly #weights = new WeightLedger();
  readonly #rates = new RateLedger();
  readonly #keys = new KeyLedger();
  readonly #concurrency = new ConcurrencyRules();
  /** The addresses of the newest snapshot that was asked for. */
  #named: { snapshot: MeshSnapshot | undefined; addresses: ReadonlySet<string> } = {
    snapshot: undefined,
    addresses: new Set(),
  };

  constructor(
    private readonly clock: Clock,
    private readonly snapshots: SnapshotHolder,
  ) {}

  callStarted(call: SimulatedCall): void {
    this.#began.set(call, { snapshot: call.snapshot, deadline: call.deadline, hasLeft: false });
  }

  attemptStarted(call: SimulatedCall, endpoint: EndpointView): void {
    const now = this.clock.now();
    this.#checkSnapshot(call);
    this.#noteAny('endpoint', wrongWithEndpoint(call, endpoint));
    if (!this.#isNamed(endpoint)) this.#note('endpoint', `no cluster names ${endpoint.endpoint.address} any more`);
    this.#noteAny('key', this.#keys.wrongWithKey(call, endpoint));
    this.#noteAny('limit', this.#concurrency.wrongWithAttempt(call));
    if (call.attempt > 1) {
      this.#noteAny('retry', wrongWithRetry(call, now));
      this.#noteAny('deadline', wrongWithTry(call));
    } else if (call.copyOf === undefined) {
      this.#rates.recordAttempt(call, now);
    }
    if (call.copyOf === undefined) this.#checkCopies(call);
    else if (call.deadline > call.copyOf.deadline) this.#note('mirror', 'a copy has more time than its call');
    if (call.deadline < now) this.#note('deadline', `attempt ${call.attempt} begins after the deadline`);
    if (call.cancelled !== undefined)
      this.#note('deadline', `attempt ${call.attempt} begins after the call was cancelled`);
    this.#retries.recordAttempt(call, now);
  }

  callEnded(call: SimulatedCall, outcome: Outcome): void {
    this.#checkSnapshot(call);
    this.#checkEnd(call, outcome);
    this.#noteAny('endpoint', wrongWithNoEndpoint(call, outcome.error));
    this.#noteAny('deadline', wrongWithTry(call));
    const unanswered = outcome.status === 0 && outcome.attempts > 1;
    if (unanswered && !call.retriesSpent) this.#note('retry', 'a call that failed after a retry does not say so');
    this.#began.delete(call);
    this.#weights.record(call);
    this.#retries.recordCall(call);
    this.#rates.recordCall(call);
  }

  finish(): void {
    for (const detail of this.#retries.excesses()) this.#note('retry-budget', detail);
    for (const detail of this.#weights.deviations()) this.#note('weights', detail);
    for (const detail of this.#rates.excesses()) this.#note('rate-limit', detail);
    if (this.#began.size > 0) this.#note('in-flight', `${this.#began.size} calls have not ended`);
    for (const view of this.snapshots.current.clusters.values()) this.#checkCounters(view);
  }

  #checkCopies({ action, copies, snapshot }: SimulatedCall): void {
    const mirrors = (action?.mirrors ?? []).filter(({ cluster }) => snapshot.clusters.has(cluster));
    const sure = mirrors.filter(({ perMillion }) => perMillion >= 1_000_000).length;
    if (copies < sure || copies > mirrors.length)
      this.#note('mirror', `${copies} copies of a call for ${mirrors.length} mirrors`);
  }

  #isNamed({ endpoint }: EndpointView): boolean {
    const { current } = this.snapshots;
    if (this.#named.snapshot !== current) {
      const views = [...current.clusters.values()].flatMap(({ endpoints }) => endpoints);
      this.#named = { snapshot: current, addresses: new Set(views.map((view) => view.endpoint.address)) };
    }
    return this.#named.addresses.has(endpoint.address);
  }

  #checkSnapshot(call: SimulatedCall): void {
    const began = this.#began.get(call);
    // Copies for mirrors are not announced.
    if (began === undefined) return;
    if (began.snapshot !== call.snapshot) this.#note('snapshot', 'a call changed its snapshot');
    const own = call.target && call.snapshot.clusters.get(call.target.cluster);
    if (own === undefined || call.cluster === own || began.hasLeft) return;
    began.hasLeft = true;
    // The load of a priority whose healthy endpoints were removed is nobody's.
    const complete = own.endpoints.every(({ state }) => !state.removed);
    if (complete && own.endpoints.some(isHealthy) && !mayHaveNoPlace(own))
      this.#note('snapshot', 'a call left the endpoints of its snapshot while there were some');
  }

  #checkEnd(call: SimulatedCall, outcome: Outcome): void {
    const began = this.#began.get(call);
    if (began === undefined) return;
    const { startedAt, endedAt } = outcome;
    const { timeoutMs = 0, maxStreamDurationMs = 0, idleTimeoutMs = 0 } = call.action ?? {};
    const delayMs = (call.target?.fault ?? call.route?.fault)?.delay?.fixedMs ?? 0;
    const after = (time: number, ms: number) => (ms === 0 ? Number.POSITIVE_INFINITY : time + ms);
    const begun = startedAt + delayMs;
    const end = Math.min(
      began.deadline,
      call.leavesAt,
      after(begun, timeoutMs),
      after(begun, maxStreamDurationMs),
      after(Math.max(begun, lastMovement(call)), idleTimeoutMs),
    );
    if (wasDroppedInVain(call, outcome)) this.#note('deadline', 'an answer was dropped for a retry after the deadline');
    if (endedAt > end + tolerance) this.#note('deadline', `a call ended ${endedAt - end} ms after its time`);
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

  #noteAny(rule: Violation['rule'], detail: string | undefined): void {
    if (detail !== undefined) this.#note(rule, detail);
  }

  #note(rule: Violation['rule'], detail: string): void {
    this.violations.push({ rule, at: this.clock.now(), detail });
  }
}

/** Its last attempt was answered, and yet the call ended for want of time. */
function wasDroppedInVain({ lastOutcome, attempt }: SimulatedCall, { status, error }: Outcome): boolean {
  if (status !== 0 || lastOutcome?.kind !== 'answered' || lastOutcome.attempt !== attempt) return false;
  return error?.reason === 'deadline_exceeded' || error?.reason === 'upstream_request_timeout';
}

/** When something last went between client and server, bodies left out, which a simulation sends in one go. */
function lastMovement({ lastOutcome }: SimulatedCall): number {
  if (lastOutcome === undefined) return 0;
  return lastOutcome.kind === 'broken' ? lastOutcome.startedAt : lastOutcome.at;
}
