import type { HeaderList } from '@inmesh/core';
import { expectedTimeoutHeader, grpcTimeoutHeader, upstreamTimeoutHeader } from '../timeout-headers.js';

/** The longest time that Node's timers keep; one beyond it would fire at once. */
const maxTimeoutMs = 2 ** 31 - 1;

/** From the finest to the coarsest; whole nanoseconds, so that no fraction is rounded on the way. */
const nsOfUnit: Readonly<Record<string, number>> = { n: 1, u: 1e3, m: 1e6, S: 1e9, M: 60e9, H: 3600e9 };
const grpcTimeout = /^(\d{1,8})([HMSmun])$/;
const wholeNumber = /^\d+$/;

/**
 * When an incoming request must have been answered, on the scale of `now`; Infinity for never. The least of
 * `x-envoy-expected-rq-timeout-ms` and `x-envoy-upstream-rq-timeout-ms` (whole ms, 0 for none) and `grpc-timeout` (gRPC over HTTP/2: 1 to 8 digits and a unit
 * of H, M, S, m, u, n). A value of another form is ignored; what is longer than 2^31-1 ms counts as that.
 */
export function incomingDeadline({ flat }: HeaderList, now: number): number {
  let timeoutMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i];
    if (name === expectedTimeoutHeader || name === upstreamTimeoutHeader)
      timeoutMs = Math.min(timeoutMs, envoyTimeoutMs(flat[i + 1]!));
    else if (name === grpcTimeoutHeader) timeoutMs = Math.min(timeoutMs, grpcTimeoutMs(flat[i + 1]!));
  }
  return timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : now + timeoutMs;
}

function envoyTimeoutMs(value: string): number {
  const ms = wholeNumber.test(value) ? Number(value) : 0;
  return ms === 0 ? Number.POSITIVE_INFINITY : Math.min(ms, maxTimeoutMs);
}

/** 0 means that no time is left: grpc-js sends it although the specification asks for a positive number. */
function grpcTimeoutMs(value: string): number {
  const parts = grpcTimeout.exec(value);
  if (parts === null) return Number.POSITIVE_INFINITY;
  return Math.min((Number(parts[1]) * nsOfUnit[parts[2]!]!) / 1e6, maxTimeoutMs);
}

/**
 * The time left as `grpc-timeout`, in the finest unit whose number has 8 digits at most, rounded up. No time left is `1n`,
 * as the specification has no zero; more than 99999999 hours are as many.
 */
export function formatGrpcTimeout(ms: number): string {
  if (!(ms > 0)) return '1n';
  for (const [unit, unitNs] of Object.entries(nsOfUnit)) {
    const amount = Math.ceil((ms * 1e6) / unitNs);
    if (amount <= 99_999_999) return `${amount}${unit}`;
  }
  return '99999999H';
}
