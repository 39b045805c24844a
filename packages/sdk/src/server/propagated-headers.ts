import { retryHeaders } from '@inmesh/core';

/** Headers that carry a trace, where they do not begin with `x-b3-`. */
const traceHeaders = new Set([
  'traceparent',
  'tracestate',
  'baggage',
  'b3',
  'x-request-id',
  'x-client-trace-id',
  'x-ot-span-context',
]);

/** What tells of one hop or of one message, and would be false or harmful on another. */
const hopHeaders = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'via',
  'forwarded',
  'max-forwards',
  'date',
  'range',
  'origin',
  'http2-settings',
  'grpc-timeout',
  'grpc-encoding',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  retryHeaders.attemptCount,
  retryHeaders.noRetry,
]);
const hopPrefixes = ['content-', 'if-', 'x-forwarded-', 'access-control-', 'sec-'];

/** What the caller of this service said of itself or entrusted to it alone. */
const callerHeaders = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'user-agent',
  'referer',
]);
const callerPrefixes = ['accept'];

export function isTraceHeader(name: string): boolean {
  return traceHeaders.has(name) || name.startsWith('x-b3-');
}

/** Whether a header may be carried on because some route matches on it. */
export function mayCarryUnasked(name: string): boolean {
  return mayCarryOn(name) && !callerHeaders.has(name) && !startsWithAny(name, callerPrefixes);
}

/** Whether a header may be carried on when the user's own list names it. */
export function mayCarryOn(name: string): boolean {
  return !hopHeaders.has(name) && !startsWithAny(name, hopPrefixes);
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}
