import type { Call } from '../call.js';
import type { Clock, Random } from '../clock.js';
import { MeshError } from '../errors.js';
import type { RetryPolicy } from '../model/route.js';
import { backoffDelayMs } from '../policy/backoff.js';
import { maxRetriesOf, pushBackOf } from '../policy/grpc-retry.js';
import { askedDelayMs, type WallClock } from '../policy/retry-after.js';
import { isRetriableFailure, isRetriableReply, isRetriableRequest } from '../policy/retry-classifier.js';
import { retryHeaders } from '../retry-headers.js';
import type { Filter, Reply, Service } from '../service.js';
import { waitUnlessInterrupted } from '../wait.js';
import { rememberTried } from './remember-tried.js';
import { RetryLease } from './retry-lease.js';

interface Timing {
  readonly clock: Clock;
  readonly random: Random;
  readonly wallClock: WallClock | undefined;
}

/** What came of an attempt. */
type Outcome =
  | { readonly reply: Reply; readonly failure: undefined }
  | { readonly reply: undefined; readonly failure: MeshError };

/** The only loop of a call; most calls end before it begins. */
export function retryFilter(timing: Timing): Filter {
  return (next) => (call) => {
    // When it began is known, and a window of seconds asks for no more.
    call.cluster!.state.retryBudget.recordRequest(call.startedAt);
    const policy = call.action!.retry;
    call.attempt = 1;
    return policy === undefined || policy.attempts === 0 ? tryOnce(next, call) : tryFirst(next, call, policy, timing);
  };
}

function tryOnce<C extends Call>(next: Service<C>, call: C): Promise<Reply> {
  return next(call).then(
    (reply) => {
      if (saysNoRetry(reply)) call.retriesSpent = true;
      return reply;
    },
    (error) => {
      throw attemptFailed(call, error);
    },
  );
}

function tryFirst<C extends Call>(next: Service<C>, call: C, policy: RetryPolicy, timing: Timing): Promise<Reply> {
  return next(call).then(
    (reply) =>
      isRetriable(call, policy, reply, undefined)
        ? tryAgain(next, call, policy, timing, { reply, failure: undefined })
        : reply,
    (error) => {
      const failure = attemptFailed(call, error);
      if (!isRetriable(call, policy, undefined, failure)) throw failure;
      return tryAgain(next, call, policy, timing, { reply: undefined, failure });
    },
  );
}

/** @param outcome of the attempt before, which is to be retried if it may */
async function tryAgain<C extends Call>(
  next: Service<C>,
  call: C,
  policy: RetryPolicy,
  timing: Timing,
  outcome: Outcome,
): Promise<Reply> {
  let { reply, failure } = outcome;
  for (let retriable = true; ; retriable = isRetriable(call, policy, reply, failure)) {
    const lease = retriable ? await prepareRetry(call, policy, failure, reply, timing) : undefined;
    if (lease === undefined) {
      if (call.attempt > 1) settleRetries(call, retriable || failure !== undefined);
      if (reply !== undefined) return reply;
      throw failure;
    }
    call.attempt += 1;
    call.headers.set(retryHeaders.attemptCount, String(call.attempt));
    ({ reply, failure } = await attempt(next, call));
    lease.release();
  }
}

async function attempt<C extends Call>(next: Service<C>, call: C): Promise<Outcome> {
  try {
    return { reply: await next(call), failure: undefined };
  } catch (error) {
    return { reply: undefined, failure: attemptFailed(call, error) };
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
  const pushBack = reply === undefined ? undefined : pushBackOf(reply);
  if (pushBack === 'never') return undefined;
  const { counters } = call.cluster!.state;
  if (call.attempt > maxRetriesOf(call, policy)) {
    if (failure !== undefined) failure.retriesExhausted = true;
    counters.upstreamRqRetryLimitExceeded += 1;
    return undefined;
  }
  const askedMs = pushBack ?? (reply === undefined ? undefined : askedDelayMs(policy, reply, wallClock, random));
  const delayMs = askedMs ?? backoffDelayMs(policy.backoff, call.attempt, random);
  if (clock.now() + delayMs >= call.deadline) return undefined;
  const lease = RetryLease.acquire(call, failure);
  if (lease === undefined) {
    counters.upstreamRqRetryOverflow += 1;
    call.retriesSpent = true;
    if (failure !== undefined) failure.hint ??= whyNotAllowed(call);
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

function whyNotAllowed({ retriesElsewhere }: Call): string {
  return retriesElsewhere
    ? 'a retry was due, and is left to the caller, who is retrying already'
    : 'a retry was due, and what trafficPolicy.retryBudget and connectionPool.http.maxRetries allow was used up';
}

function settleRetries(call: Call, failed: boolean): void {
  if (failed) call.retriesSpent = true;
  else if (!call.retriesSpent) call.cluster!.state.counters.upstreamRqRetrySuccess += 1;
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
