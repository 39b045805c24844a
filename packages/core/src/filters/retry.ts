import type { Call } from '../call.js';
import type { Clock, Random } from '../clock.js';
import type { ClusterState } from '../cluster-view.js';
import { MeshError } from '../errors.js';
import type { RetryPolicy } from '../model/route.js';
import { backoffDelayMs } from '../policy/backoff.js';
import { isRetriableFailure, isRetriableReply } from '../policy/retry-classifier.js';
import type { Filter, Reply, Service } from '../service.js';

interface Timing {
  readonly clock: Clock;
  readonly random: Random;
}

/** The only loop of a call. */
export function retryFilter(clock: Clock, random: Random): Filter {
  const timing = { clock, random };
  return (next) => (call) => {
    call.cluster!.state.retryBudget.recordRequest();
    const policy = call.action!.retry;
    return policy === undefined || policy.attempts === 0 ? tryOnce(next, call) : tryAgain(next, call, policy, timing);
  };
}

async function tryOnce<C extends Call>(next: Service<C>, call: C): Promise<Reply> {
  call.attempt = 1;
  try {
    return await next(call);
  } catch (error) {
    throw describe(call, error);
  }
}

async function tryAgain<C extends Call>(
  next: Service<C>,
  call: C,
  policy: RetryPolicy,
  timing: Timing,
): Promise<Reply> {
  let lease: RetryLease | undefined;
  for (;;) {
    call.attempt += 1;
    let reply: Reply | undefined;
    let failure: MeshError | undefined;
    try {
      reply = await next(call);
    } catch (error) {
      failure = describe(call, error);
    }
    lease?.release();
    const retriable =
      reply !== undefined ? isRetriableReply(policy, reply) : isRetriableFailure(policy, call, failure!);
    if (retriable) lease = await prepareRetry(call, policy, failure, reply, timing);
    if (retriable && lease !== undefined) continue;
    if (reply !== undefined) return reply;
    throw failure;
  }
}

/** Undefined when the call may not be tried again; else the reply is dropped, the back-off is over and the lease held. */
async function prepareRetry(
  call: Call,
  policy: RetryPolicy,
  failure: MeshError | undefined,
  reply: Reply | undefined,
  { clock, random }: Timing,
): Promise<RetryLease | undefined> {
  if (call.cancelled !== undefined || !call.canReplay()) return undefined;
  if (call.attempt > policy.attempts) {
    if (failure !== undefined) failure.retriesExhausted = true;
    return undefined;
  }
  const delayMs = backoffDelayMs(policy.backoff, call.attempt, random);
  if (clock.now() + delayMs >= call.deadline) return undefined;
  const lease = RetryLease.acquire(call, failure);
  if (lease === undefined) return undefined;
  reply?.discard();
  rememberTried(call);
  try {
    await waitUnlessCancelled(call, clock, delayMs);
  } catch (reason) {
    lease.release();
    throw describe(call, reason);
  }
  return lease;
}

/** A retry's place in the cluster's limits, held from the decision to the end of the attempt. */
class RetryLease {
  static acquire(call: Call, failure: MeshError | undefined): RetryLease | undefined {
    const { state } = call.cluster!;
    const { breaker, retryBudget } = state;
    if (!breaker.tryAcquireRetry()) return undefined;
    // What was never sent put no load on the upstream: it may move on to another endpoint whatever the budget says.
    const budgeted = failure === undefined || failure.maybeSent;
    if (budgeted && !retryBudget.tryAcquire(breaker.requests + breaker.pendingRequests + 1)) {
      breaker.releaseRetry();
      return undefined;
    }
    return new RetryLease(state, budgeted);
  }

  private constructor(
    private readonly state: ClusterState,
    private readonly budgeted: boolean,
  ) {}

  release(): void {
    this.state.breaker.releaseRetry();
    if (this.budgeted) this.state.retryBudget.release();
  }
}

function rememberTried(call: Call): void {
  if (call.endpoint === undefined) return;
  if (call.triedEndpoints === undefined) call.triedEndpoints = [call.endpoint];
  else call.triedEndpoints.push(call.endpoint);
}

function waitUnlessCancelled(call: Call, clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(delayMs, () => {
      call.interrupt = undefined;
      resolve();
    });
    call.interrupt = (reason) => {
      timer.cancel();
      call.interrupt = undefined;
      reject(reason);
    };
  });
}

function describe(call: Call, error: unknown): MeshError {
  const failure = MeshError.from(error);
  failure.attempts = call.attempt;
  failure.cluster ??= call.cluster?.cluster.name;
  failure.endpoint ??= call.endpoint?.endpoint.address;
  return failure;
}
