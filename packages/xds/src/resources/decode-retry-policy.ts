import {
  defaultBackoff,
  grpcRetryConditions,
  httpRetryConditions,
  type RetryCondition,
  type RetryPolicy as RetryPolicyModel,
} from '@inmesh/core';
import type { RetryPolicy } from '../messages.js';
import { decodeHeaderMatcher } from './decode-header-matcher.js';
import { decodeRateLimitedBackoff } from './decode-rate-limited-backoff.js';
import { decodeDuration, decodePositiveDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { avoidsPreviousHosts } from './retry-host-predicates.js';

/**
 * Envoy's `RetryPolicy`, with its defaults: one retry, back-off of 25 ms up to ten times the base. A number in `retry_on`
 * is a status code (Istio `retryOn`). Undefined when nothing would be retried.
 */
export function decodeRetryPolicy(message: RetryPolicy, at: FieldScope): RetryPolicyModel | undefined {
  reportUnsupported(message, at);
  const { on, statusCodes } = decodeRetryOn(message.retryOn, at.field('retry_on'));
  const policy: RetryPolicyModel = {
    on,
    attempts: message.numRetries ?? 1,
    perTryTimeoutMs: decodeDuration(message.perTryTimeout, 0, at.field('per_try_timeout')),
    perTryIdleTimeoutMs: decodeDuration(message.perTryIdleTimeout, 0, at.field('per_try_idle_timeout')),
    statusCodes: [...new Set([...message.retriableStatusCodes, ...statusCodes])],
    headers: at.each('retriable_headers', message.retriableHeaders, decodeHeaderMatcher),
    requestHeaders: at.each('retriable_request_headers', message.retriableRequestHeaders, decodeHeaderMatcher),
    hostSelectionAttempts: decodeHostSelectionAttempts(message, at),
    backoff: decodeBackoff(message.retryBackOff, at.field('retry_back_off')),
    rateLimitedBackoff:
      message.rateLimitedRetryBackOff &&
      decodeRateLimitedBackoff(message.rateLimitedRetryBackOff, at.field('rate_limited_retry_back_off')),
  };
  return policy.attempts === 0 || on.size === 0 ? undefined : policy;
}

function decodeRetryOn(written: string, at: FieldScope): { on: ReadonlySet<RetryCondition>; statusCodes: number[] } {
  const on = new Set<RetryCondition>();
  const statusCodes: number[] = [];
  for (const name of written.split(/[\s,]+/)) {
    if (isCondition(name)) on.add(name);
    else if (/^\d+$/.test(name)) statusCodes.push(Number(name));
    else if (name !== '') at.warn(`"${name}" is unknown: ignored`);
  }
  if (statusCodes.length > 0) on.add('retriable-status-codes');
  return { on, statusCodes };
}

function isCondition(name: string): name is RetryCondition {
  return httpRetryConditions.has(name) || grpcRetryConditions.has(name);
}

/** Only a predicate asks for another host; without one any pick will do. */
function decodeHostSelectionAttempts(message: RetryPolicy, at: FieldScope): number {
  const { hostSelectionRetryMaxAttempts: attempts, retryHostPredicate } = message;
  if (attempts < 0n) at.field('host_selection_retry_max_attempts').error('must not be negative');
  if (!avoidsPreviousHosts(retryHostPredicate, at)) return 0;
  return attempts === 0n ? 1 : Number(attempts);
}

function decodeBackoff(message: RetryPolicy['retryBackOff'], at: FieldScope): RetryPolicyModel['backoff'] {
  const written = decodePositiveDuration(message?.baseInterval, defaultBackoff.baseMs, at.field('base_interval'));
  // Envoy rounds shorter ones up (route_components.proto `base_interval`).
  const baseMs = Math.max(1, written);
  const maxMs = decodePositiveDuration(message?.maxInterval, baseMs * 10, at.field('max_interval'));
  if (maxMs < baseMs) at.field('max_interval').error(`${maxMs} ms is less than the base interval, ${baseMs} ms`);
  return { baseMs, maxMs };
}
