import type { Call } from '../call.js';
import type { Clock, Random } from '../clock.js';
import { MeshError } from '../errors.js';
import type { RetryPolicy } from '../model/route.js';
import { backoffDelayMs } from '../policy/backoff.js';
import { askedDelayMs, type WallClock } from '../policy/retry-after.js';
import { isRetriableFailure, isRetriableReply, isRetriableRequest } from '../policy/retry-classifier.js';
import { retryHeaders } from '../retry-headers.js';
import type { Filter, Reply, Service } from '../service.js';
import { waitUnlessInterrupted } from '../wait.js';
import { RetryLease } from './retry-lease.js';

interface Timing {
  readonly clock: Clock;
  readonly random: Random;
  readonly wallClock: WallClock | undefined;
}

/** The only loop of a call. */
export function retryFilter(timing: Timing): Filter {
  return (next) => (call) => {
    call.cluster!.state.retryBudget.recordRequest();
    const policy = call.action!.retry;
    return policy === undefined || policy.attempts === 0 ? tryOnce(next, call) : tryAgain(next, call, policy, timing);
  };
}

async function tryOnce<C extends Call>(next: Service<C>, call: C): Promise<Reply> {
  call.attempt = 1;
  try {
    const reply = await next(call);
    if (saysNoRetry(reply)) call.retriesSpent = true;
    return reply;
  } catch (error) {
    throw attemptFailed(call, error);
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
    if (call.attempt > 1) call.headers.set(retryHeaders.attemptCount, String(call.attempt));
    let reply: Reply | undefined;
    let failure: MeshError | undefined;
    try {
      reply = await next(call);
    } catch (error) {
      failure = attemptFailed(call, error);
    }
    lease?.release();
    const retriable = isRetriable(call, policy, reply, failure);
    lease = retriable ? await prepareRetry(call, policy, failure, reply, timing) : undefined;
    if (lease !== undefined) continue;
    if (call.attempt > 1) settleRetries(call, retriable || failure !== undefined);
    if (reply !== undefined) return reply;
    throw failure;
  }
}

function isRetriable(
  call: Call,
  policy: RetryPolicy,
  reply: Reply | undefined,
  failure: MeshError | undefined,
): boolean {
  if (reply !== undefined && saysNoRetry(reply)) {
    call.retriesSpent = true;
    return false;
  }
  const retriable = reply !== undefined ? isRetriableReply(policy, reply) : isRetriableFailure(policy, call, failure!);
  return retriable && isRetriableRequest(policy, call);
}

/** Looks at the headers of failed requests alone: the others are not to pay for it. */
function saysNoRetry(reply: Reply): boolean {
  const failed = reply.httpStatus >= 400 || (reply.grpcStatus !== undefined && reply.grpcStatus !== 0);
  return failed && reply.header(retryHeaders.noRetry) !== undefined;
}

/** Undefined when the call may not be tried again; else the reply is dropped, the back-off is over and the lease held. */
async function prepareRetry(
  call: Call,
  policy: RetryPolicy,
  failure: MeshError | undefined,
  reply: Reply | undefined,
  { clock, random, wallClock }: Timing,
): Promise<RetryLease | undefined> {
  if (call.cancelled !== undefined || !call.canReplay()) return undefined;
  const { counters } = call.cluster!.state;
  if (call.attempt > policy.attempts) {
    if (failure !== undefined) failure.retriesExhausted = true;
    counters.upstreamRqRetryLimitExceeded += 1;
    return undefined;
  }
  const askedMs = reply === undefined ? undefined : askedDelayMs(policy, reply, wallClock, random);
  const delayMs = askedMs ?? backoffDelayMs(policy.backoff, call.attempt, random);
  if (clock.now() + delayMs >= call.deadline) return undefined;
  const lease = RetryLease.acquire(call, failure);
  if (lease === undefined) {
    counters.upstreamRqRetryOverflow += 1;
    call.retriesSpent = true;
    return undefined;
  }
  counters.upstreamRqRetry += 1;
  reply?.discard();
  rememberTried(call);
  try {
    await waitUnlessInterrupted(call, clock, delayMs);
  } catch (reason) {
    lease.release();
    call.retriesSpent = true;
    throw describe(call, reason);
  }
  return lease;
}

function settleRetries(call: Call, failed: boolean): void {
  if (failed) call.retriesSpent = true;
  else if (!call.retriesSpent) call.cluster!.state.counters.upstreamRqRetrySuccess += 1;
}

function rememberTried(call: Call): void {
  if (call.endpoint === undefined) return;
  if (call.triedEndpoints === undefined) call.triedEndpoints = [call.endpoint];
  else call.triedEndpoints.push(call.endpoint);
}

function attemptFailed(call: Call, error: unknown): MeshError {
  const failure = describe(call, error);
  const { counters } = call.cluster!.state;
  if (failure.reason === 'upstream_per_try_timeout') counters.upstreamRqPerTryTimeout += 1;
  else if (failure.reason === 'upstream_request_timeout' || failure.reason === 'deadline_exceeded')
    counters.upstreamRqTimeout += 1;
  return failure;
}

function describe(call: Call, error: unknown): MeshError {
  const failure = MeshError.from(error);
  failure.attempts = call.attempt;
  failure.cluster ??= call.cluster?.cluster.name;
  failure.endpoint ??= call.endpoint?.endpoint.address;
  return failure;
}
