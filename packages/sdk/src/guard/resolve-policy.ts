import { defaultBackoff, MeshError, type MeshErrorReason } from '@inmesh/core';
import type { GuardPolicy, ResolvedGuardPolicy } from './guard-policy.js';
import { findPolicyProblems } from './validate-policy.js';

/** What a MeshError from within the function may say that another attempt cannot mend, or must not add load to. */
const notRetried: ReadonlySet<MeshErrorReason> = new Set([
  'circuit_open',
  'upstream_overflow',
  'concurrency_limited',
  'rate_limited',
  'deadline_exceeded',
  'caller_cancelled',
  'mesh_closed',
  'invalid_request',
  'unauthorized',
]);

export const guardDefaults = Object.freeze({
  timeoutMs: 15_000,
  maxConcurrent: Number.POSITIVE_INFINITY,
  maxPending: 1024,
  retries: Object.freeze({
    perTryTimeoutMs: 0,
    backoff: defaultBackoff,
    retryOn: (error: unknown) => !(MeshError.is(error) && notRetried.has(error.reason)),
  }),
  circuitBreaker: Object.freeze({
    consecutiveErrors: 0,
    errorThresholdPercentage: 50,
    volumeThreshold: 20,
    windowMs: 10_000,
    openMs: 30_000,
    isFailure: () => true,
  }),
});

/** @throws MeshError `invalid_request` that names every field that is wrong */
export function resolvePolicy(name: string, policy: GuardPolicy): ResolvedGuardPolicy {
  const problems = findPolicyProblems(policy);
  if (problems.length > 0) {
    throw new MeshError('invalid_request', { message: `guard ${JSON.stringify(name)}: ${problems.join('; ')}` });
  }
  const { retries, circuitBreaker, rateLimit } = policy;
  return Object.freeze({
    timeoutMs: policy.timeoutMs ?? guardDefaults.timeoutMs,
    maxConcurrent: policy.maxConcurrent ?? guardDefaults.maxConcurrent,
    maxPending: policy.maxPending ?? guardDefaults.maxPending,
    retries: retries && resolveRetries(retries),
    circuitBreaker: circuitBreaker === false ? undefined : merge(guardDefaults.circuitBreaker, circuitBreaker),
    rateLimit: rateLimit && Object.freeze({ requests: rateLimit.requests, perMs: rateLimit.perMs }),
  });
}

function resolveRetries({ attempts, backoff, ...given }: NonNullable<GuardPolicy['retries']>) {
  const { backoff: defaults, ...others } = guardDefaults.retries;
  return Object.freeze({
    attempts,
    ...merge(others, given),
    backoff: merge<typeof backoff & object>(defaults, backoff),
  });
}

/** A field given as undefined is a field not given. */
function merge<T extends object>(defaults: Required<T>, given: T | undefined): Readonly<Required<T>> {
  const set = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return Object.freeze({ ...defaults, ...Object.fromEntries(set) });
}
