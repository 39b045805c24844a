import type { RetryCondition } from '../model/route.js';

/** Words of Envoy's `retry_on` and `x-envoy-retry-on`. */
export const httpRetryConditions: ReadonlySet<string> = new Set<RetryCondition>([
  '5xx',
  'gateway-error',
  'connect-failure',
  'refused-stream',
  'reset',
  'reset-before-request',
  'retriable-4xx',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
]);

/** Words of `x-envoy-retry-grpc-on`; `retry_on` of a route takes them, too. */
export const grpcRetryConditions: ReadonlySet<string> = new Set<RetryCondition>([
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]);
