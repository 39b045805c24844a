import type { HeaderList } from '../header-list.js';
import type { ForwardAction, HeaderMatcher, RetryCondition, RetryPolicy } from '../model/route.js';
import { defaultBackoff } from '../policy/backoff.js';
import { grpcRetryConditions, httpRetryConditions } from '../policy/retry-conditions.js';

/** Stays in the headers: what the next hop is told of it is decided where an attempt is sent. */
const timeoutHeader = 'x-envoy-upstream-rq-timeout-ms';

/** For this router alone: taken out of the request. */
const consumedHeaders: ReadonlySet<string> = new Set([
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-max-retries',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-hedge-on-per-try-timeout',
]);

const shortestName = [...consumedHeaders].reduce((length, name) => Math.min(length, name.length), timeoutHeader.length);
const letterE = 'x-envoy-'.charCodeAt(2);

/** Envoy's defaults for a request that asks for retries on a route that has none; no condition is met yet. */
const defaultRetry: RetryPolicy = Object.freeze({
  on: new Set<RetryCondition>(),
  attempts: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  statusCodes: [],
  headers: [],
  requestHeaders: [],
  hostSelectionAttempts: 0,
  backoff: defaultBackoff,
  rateLimitedBackoff: undefined,
});

/**
 * The route's action with what the request's own headers change of it (Envoy router_filter.rst); values that cannot be read
 * change nothing. Retry conditions add to the route's; timeouts and the number of retries replace them.
 */
export function withRequestOverrides(action: ForwardAction, headers: HeaderList): ForwardAction {
  return hasOverride(headers) ? override(action, headers) : action;
}

function hasOverride({ flat }: HeaderList): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    // Every call pays for this look at its headers, and hardly a usual name is so long.
    if (name.length < shortestName || name.charCodeAt(2) !== letterE) continue;
    if (name.startsWith('x-envoy-') && (name === timeoutHeader || consumedHeaders.has(name))) return true;
  }
  return false;
}

function override(action: ForwardAction, headers: HeaderList): ForwardAction {
  const timeoutMs = readInteger(headers.get(timeoutHeader)) ?? action.timeoutMs;
  const retry = withinTimeout(overrideRetry(action.retry, headers), timeoutMs);
  for (const name of consumedHeaders) headers.delete(name);
  return { ...action, timeoutMs, retry };
}

function overrideRetry(own: RetryPolicy | undefined, headers: HeaderList): RetryPolicy | undefined {
  const on = new Set([
    ...(own?.on ?? []),
    ...readConditions(headers.getJoined('x-envoy-retry-on'), httpRetryConditions),
    ...readConditions(headers.getJoined('x-envoy-retry-grpc-on'), grpcRetryConditions),
  ]);
  const perTryTimeoutMs = readInteger(headers.get('x-envoy-upstream-rq-per-try-timeout-ms'));
  if (own === undefined && on.size === 0 && perTryTimeoutMs === undefined) return undefined;
  const base = own ?? defaultRetry;
  const attempts = readInteger(headers.get('x-envoy-max-retries')) ?? base.attempts;
  return {
    ...base,
    on,
    attempts: on.size === 0 ? 0 : attempts,
    perTryTimeoutMs: perTryTimeoutMs ?? base.perTryTimeoutMs,
    statusCodes: [...base.statusCodes, ...readStatuses(headers.getJoined('x-envoy-retriable-status-codes'))],
    headers: [...base.headers, ...readNames(headers.getJoined('x-envoy-retriable-header-names')).map(isPresent)],
  };
}

/** A try that may take as long as the whole call needs no timeout of its own. */
function withinTimeout(retry: RetryPolicy | undefined, timeoutMs: number): RetryPolicy | undefined {
  if (retry === undefined || timeoutMs === 0 || retry.perTryTimeoutMs < timeoutMs) return retry;
  return { ...retry, perTryTimeoutMs: 0 };
}

function readInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d{1,15}\s*$/.test(text)) return undefined;
  return Number(text);
}

function readNames(list: string | undefined): string[] {
  if (list === undefined) return [];
  return list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

function readConditions(list: string | undefined, known: ReadonlySet<string>): RetryCondition[] {
  return readNames(list).filter((name): name is RetryCondition => known.has(name));
}

function readStatuses(list: string | undefined): number[] {
  return readNames(list)
    .filter((code) => /^[1-5]\d\d$/.test(code))
    .map(Number);
}

function isPresent(name: string): HeaderMatcher {
  return { name, test: { kind: 'present', present: true }, invert: false, treatMissingAsEmpty: false };
}
