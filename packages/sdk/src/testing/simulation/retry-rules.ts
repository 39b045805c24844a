import { type RetryCondition, type RetryPolicy, retryHeaders } from '@inmesh/core';
import type { AttemptOutcome, SimulatedCall } from './call.js';

/** Timers of a simulation are as exact as sums of fractions are. */
const tolerance = 1e-6;

/** What is wrong with a retry that begins now; undefined when nothing is. */
export function wrongWithRetry(call: SimulatedCall, now: number): string | undefined {
  const policy = call.action?.retry;
  const last = call.lastOutcome;
  if (policy === undefined || last === undefined) return 'nothing asks for a retry';
  if (call.copyOf !== undefined) return 'the copy for a mirror is retried';
  if (call.attempt > policy.attempts + 1) return `attempt ${call.attempt} of ${policy.attempts + 1}`;
  if (!call.replayable) return 'its body cannot be sent again';
  if (call.headers.get(retryHeaders.attemptCount) !== String(call.attempt))
    return 'it does not say which attempt it is';
  if (call.retriesElsewhere && last.kind !== 'refused') return 'an earlier tier retries it';
  if (!mayRepeat(policy, call.method, last)) return `${call.method} that was ${last.kind} may not be repeated`;
  return wrongWithWait(policy, last, now - last.at);
}

function mayRepeat({ on, statusCodes }: RetryPolicy, method: string, last: AttemptOutcome): boolean {
  const resets = on.has('reset') || on.has('5xx') || on.has('gateway-error');
  switch (last.kind) {
    case 'refused':
      return resets || on.has('connect-failure') || on.has('reset-before-request');
    case 'broken':
      return resets || (on.has('connect-failure') && method !== 'POST' && method !== 'PATCH');
    case 'answered':
      if (last.header(retryHeaders.noRetry) !== undefined) return false;
      return conditionsOf(last.status, statusCodes).some((condition) => on.has(condition));
  }
}

/** Those that may hold of a response; what depends on its headers always may. */
function conditionsOf(status: number, statusCodes: readonly number[]): RetryCondition[] {
  const conditions: RetryCondition[] = ['retriable-headers', 'envoy-ratelimited'];
  if (status >= 500) conditions.push('5xx');
  if (status >= 502 && status <= 504) conditions.push('gateway-error');
  if (status === 409) conditions.push('retriable-4xx');
  if (statusCodes.includes(status)) conditions.push('retriable-status-codes');
  return conditions;
}

function wrongWithWait({ backoff, rateLimitedBackoff }: RetryPolicy, last: AttemptOutcome, waitedMs: number) {
  const asked = last.kind === 'answered' && rateLimitedBackoff !== undefined ? last.header('retry-after') : undefined;
  const askedMs = Number(asked ?? 0) * 1000;
  if (askedMs > 0 && askedMs <= rateLimitedBackoff!.maxIntervalMs) {
    if (waitedMs > askedMs - tolerance && waitedMs < askedMs * 1.5 + tolerance) return undefined;
    return `it waited ${waitedMs} ms where the server asked for ${askedMs}`;
  }
  const limit = Math.min((2 ** last.attempt - 1) * backoff.baseMs, backoff.maxMs);
  return waitedMs > limit + tolerance ? `it waited ${waitedMs} ms, ${limit} at most` : undefined;
}

/** What is wrong with how long the last attempt took; undefined when nothing is. */
export function wrongWithTry({ action, lastOutcome }: SimulatedCall): string | undefined {
  const policy = action?.retry;
  if (policy === undefined || lastOutcome === undefined) return undefined;
  const { perTryTimeoutMs, perTryIdleTimeoutMs } = policy;
  const tookMs = lastOutcome.at - lastOutcome.startedAt;
  if (perTryTimeoutMs > 0 && tookMs > perTryTimeoutMs + tolerance)
    return `a try took ${tookMs} ms, ${perTryTimeoutMs} at most`;
  if (lastOutcome.kind !== 'broken' || lastOutcome.reason !== 'upstream_per_try_timeout') return undefined;
  const shortest = Math.min(...[perTryTimeoutMs, perTryIdleTimeoutMs].filter((ms) => ms > 0));
  return tookMs < shortest - tolerance ? `a try was given up after ${tookMs} ms, before ${shortest}` : undefined;
}
