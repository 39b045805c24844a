import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  PreviousHostsPredicateSchema,
  type RetryPolicy,
  RetryPolicy_ResetHeaderFormat,
  RetryPolicySchema,
} from '@inmesh/xds/messages';
import { type DurationResult, type ProtoDuration, parseGoDuration } from '../durations.js';
import { didYouMean } from '../nearest.js';
import type { Place } from '../place.js';
import type { Retries } from '../schema/virtual-service.js';

export interface RetrySettings {
  readonly attempts: number;
  readonly on: string;
  readonly statusCodes: readonly number[];
  readonly perTryTimeout?: ProtoDuration | undefined;
  readonly backoff?: ProtoDuration | undefined;
  /** Whether a retry prefers endpoints that were not tried before. */
  readonly avoidPreviousHosts: boolean;
}

/** Istio's default for every route (retry.go `DefaultPolicy`); without status codes, so that a 503 is not repeated. */
export const defaultRetries: RetrySettings = {
  attempts: 2,
  on: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
  statusCodes: [],
  avoidPreviousHosts: true,
};

/** Undefined for no retries: gRPC refuses a policy of zero. */
export function buildRetryPolicy(settings: RetrySettings): RetryPolicy | undefined {
  if (settings.attempts === 0) return undefined;
  return create(RetryPolicySchema, {
    retryOn: settings.on,
    numRetries: settings.attempts,
    retriableStatusCodes: [...settings.statusCodes],
    hostSelectionRetryMaxAttempts: 5n,
    ...(settings.perTryTimeout !== undefined && { perTryTimeout: settings.perTryTimeout }),
    ...(settings.backoff !== undefined && { retryBackOff: { baseInterval: settings.backoff } }),
    ...(settings.avoidPreviousHosts && { retryHostPredicate: [previousHosts] }),
    rateLimitedRetryBackOff: retryAfter,
  });
}

/** Beyond what Istio writes: a server that says when to come back is obeyed, within Envoy's own limit. */
const retryAfter = {
  resetHeaders: [{ name: 'retry-after', format: RetryPolicy_ResetHeaderFormat.SECONDS }],
  maxInterval: { seconds: 300n, nanos: 0 },
};

const previousHosts = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  configType: {
    case: 'typedConfig',
    value: anyPack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
  },
} as const;

/** A VirtualService's own: what it does not say is as by default, except that no `attempts` means none (retry.go). */
export function readRetries(retries: Retries | undefined, place: Place): RetrySettings {
  if (retries === undefined) return defaultRetries;
  const { on, statusCodes } = readRetryOn(retries.retryOn ?? '', place.at('retryOn'));
  return {
    attempts: retries.attempts ?? 0,
    on,
    statusCodes,
    perTryTimeout: durationOf(parseGoDuration(retries.perTryTimeout ?? '')),
    backoff: durationOf(parseGoDuration(retries.backoff ?? '')),
    avoidPreviousHosts: retries.retryIgnorePreviousHosts ?? true,
  };
}

/** Envoy's conditions (x-envoy-retry-on, x-envoy-retry-grpc-on). */
const conditions = [
  ...['5xx', 'gateway-error', 'connect-failure', 'refused-stream', 'reset', 'reset-before-request', 'retriable-4xx'],
  ...['retriable-status-codes', 'retriable-headers', 'envoy-ratelimited', 'http3-post-connect-failure'],
  ...['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
];

/** Conditions and status codes in one list (retry.go `parseRetryOn`). */
function readRetryOn(written: string, place: Place): Pick<RetrySettings, 'on' | 'statusCodes'> {
  const parts = written.split(',').map((part) => part.trim());
  const names = parts.filter((part) => part !== '' && !/^\d+$/.test(part));
  const statusCodes = parts.filter((part) => /^\d+$/.test(part)).map(Number);
  if (names.length === 0 && statusCodes.length === 0) return defaultRetries;
  for (const name of names) {
    if (!conditions.includes(name)) {
      place.error(`"${name}" is neither a condition nor a status code`, didYouMean(name, conditions));
    }
  }
  for (const code of statusCodes) {
    if (code < 100 || code > 599) place.error(`${code} is not an HTTP status code`);
  }
  const codesAreNamed = names.includes('retriable-status-codes') || statusCodes.length === 0;
  return { on: [...names, ...(codesAreNamed ? [] : ['retriable-status-codes'])].join(','), statusCodes };
}

/** What does not parse was said when the object was read. */
export function durationOf(result: DurationResult): ProtoDuration | undefined {
  return result.ok ? result.duration : undefined;
}
