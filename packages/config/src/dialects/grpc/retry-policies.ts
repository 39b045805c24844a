import type { RetryPolicy, RetryPolicy_RetryBackOff } from '@inmesh/xds/messages';

type Interval = NonNullable<RetryPolicy_RetryBackOff['baseInterval']>;

/** gRPC refuses a policy of no retries, and a back-off that it cannot compute with (gRFC A44). */
export function asGrpcRetryPolicy(policy: RetryPolicy | undefined): RetryPolicy | undefined {
  if (policy === undefined || policy.numRetries === 0) return undefined;
  const retryOn = policy.retryOn.replace(/\s/g, '');
  const retryBackOff = asGrpcBackOff(policy.retryBackOff);
  const isSame = retryOn === policy.retryOn && retryBackOff === policy.retryBackOff;
  return isSame ? policy : { ...policy, retryOn, retryBackOff };
}

/** gRPC for Node counts in whole milliseconds of 32 bits: an hour is more than anyone waits. */
const shortestMs = 1;
const longestMs = 3_600_000;

/** Undefined is the default of both, 25 ms up to ten times as much. */
function asGrpcBackOff(backOff: RetryPolicy_RetryBackOff | undefined): RetryPolicy_RetryBackOff | undefined {
  if (backOff?.baseInterval === undefined) return undefined;
  const base = within(backOff.baseInterval, shortestMs);
  const max = backOff.maxInterval && within(backOff.maxInterval, msOf(base));
  if (base === backOff.baseInterval && max === backOff.maxInterval) return backOff;
  return { ...backOff, baseInterval: base, ...(max && { maxInterval: max }) };
}

function within(interval: Interval, leastMs: number): Interval {
  const ms = msOf(interval);
  const allowed = Math.min(Math.max(ms, leastMs), longestMs);
  if (allowed === ms) return interval;
  const seconds = Math.floor(allowed / 1000);
  return { ...interval, seconds: BigInt(seconds), nanos: Math.round((allowed - seconds * 1000) * 1e6) };
}

function msOf({ seconds, nanos }: Interval): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}
