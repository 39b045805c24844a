import type { Call, Clock, HeaderList } from '@inmesh/core';
import { formatGrpcTimeout } from '../server/incoming-deadline.js';
import { expectedTimeoutHeader, grpcTimeoutHeader, upstreamTimeoutHeader } from '../timeout-headers.js';

/**
 * Tells the next hop how much time is left, the least of call and attempt: as Envoy does, and to a gRPC service as
 * `grpc-timeout` as well. A caller's own `x-envoy-upstream-rq-timeout-ms` would grant time that has passed by now.
 */
export function writeRemainingTime(call: Call, clock: Clock): void {
  const leftMs = remainingMs(call, clock);
  if (leftMs === Number.POSITIVE_INFINITY) return;
  const { headers } = call;
  const wholeMs = String(Math.max(1, Math.floor(leftMs)));
  headers.set(expectedTimeoutHeader, wholeMs);
  if (headers.has(upstreamTimeoutHeader)) headers.set(upstreamTimeoutHeader, wholeMs);
  if (isGrpc(headers)) headers.set(grpcTimeoutHeader, formatGrpcTimeout(leftMs));
}

function remainingMs(call: Call, clock: Clock): number {
  const perTryMs = call.action?.retry?.perTryTimeoutMs ?? 0;
  const leftMs = call.deadline === Number.POSITIVE_INFINITY ? call.deadline : call.deadline - clock.now();
  return perTryMs === 0 ? leftMs : Math.min(leftMs, perTryMs);
}

function isGrpc(headers: HeaderList): boolean {
  return headers.get('content-type')?.startsWith('application/grpc') === true;
}
