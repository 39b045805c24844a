import type { Call } from '../call.js';
import type { MeshError } from '../errors.js';
import { breakerOf } from '../policy/breaker-of.js';
import type { CircuitBreaker } from '../policy/circuit-breaker.js';
import type { RetryBudget } from '../policy/retry-budget.js';

/** A retry's place in the cluster's limits, held from the decision to the end of the attempt. */
export class RetryLease {
  /** Undefined when the limits, or the tier that retries instead, do not allow it. */
  static acquire(call: Call, failure: MeshError | undefined): RetryLease | undefined {
    const { state, cluster } = call.cluster!;
    // What was never sent put no load on the upstream: it may move on to another endpoint whatever the budget says.
    const budgeted = failure === undefined || failure.maybeSent;
    if (budgeted && call.retriesElsewhere) return undefined;
    const breaker = breakerOf(call);
    // A budget that is configured takes the place of the limit (Envoy circuit_breaker.proto).
    if (cluster.retryBudget !== undefined) breaker.acquireRetry();
    else if (!breaker.tryAcquireRetry()) return undefined;
    const budget = budgeted ? state.retryBudget : undefined;
    if (budget !== undefined && !budget.tryAcquire(activeWith(breaker, failure))) {
      breaker.releaseRetry();
      return undefined;
    }
    return new RetryLease(breaker, budget);
  }

  private constructor(
    private readonly breaker: CircuitBreaker,
    private readonly budget: RetryBudget | undefined,
  ) {}

  release(): void {
    this.breaker.releaseRetry();
    this.budget?.release();
  }
}

/** An attempt that failed has given its place back and counts all the same; one that was answered still has it. */
function activeWith({ requests, pendingRequests }: CircuitBreaker, failure: MeshError | undefined): number {
  return requests + pendingRequests + (failure === undefined ? 0 : 1);
}
