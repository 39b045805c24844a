import { type ProtoDuration, parseGatewayDuration } from '../durations.js';
import type { HttpRouteRule } from '../schema/http-route.js';
import { defaultRetries, durationOf, type RetrySettings } from './retry-policies.js';

export interface RouteTimes {
  readonly retries: RetrySettings;
  /** Of the whole call; undefined for none. */
  readonly timeout: ProtoDuration | undefined;
}

/** With no repetition a limit for one try is a limit for all, and a policy of no retries could not carry it. */
export function readTimes({ timeouts, retry }: HttpRouteRule): RouteTimes {
  const timeout = positive(timeouts?.request);
  const perTryTimeout = positive(timeouts?.backendRequest);
  const retries = { ...readRetries(retry), perTryTimeout };
  return { retries, timeout: retries.attempts === 0 ? shorter(timeout, perTryTimeout) : timeout };
}

/** GEP-1731: by default server errors, connection errors always; the back-off is the least time to wait. */
function readRetries(retry: HttpRouteRule['retry']): RetrySettings {
  if (retry === undefined) return defaultRetries;
  return {
    ...defaultRetries,
    attempts: retry.attempts ?? defaultRetries.attempts,
    statusCodes: retry.codes ?? [500, 502, 503, 504],
    backoff: positive(retry.backoff),
  };
}

/** Zero switches a timeout off (GEP-1742). */
function positive(written: string | undefined): ProtoDuration | undefined {
  const duration = durationOf(parseGatewayDuration(written ?? ''));
  return duration === undefined || (duration.seconds === 0n && duration.nanos === 0) ? undefined : duration;
}

function shorter(a: ProtoDuration | undefined, b: ProtoDuration | undefined): ProtoDuration | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos <= b.nanos) ? a : b;
}
