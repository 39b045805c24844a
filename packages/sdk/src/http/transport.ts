import { type Clock, MeshError, type Service } from '@inmesh/core';
import type { Dispatcher, Pool } from 'undici';
import type { EndpointPools } from './endpoint-pools.js';
import { toFailure } from './failure.js';
import { HttpAttempt } from './http-attempt.js';
import type { HttpCall } from './http-call.js';

/** The end of the outbound walk: sends one attempt on a connection of the endpoint that was picked. */
export function httpTransport(pools: EndpointPools, clock: Clock): Service<HttpCall> {
  return (call) =>
    new Promise((resolve, reject) => {
      if (call.cancelled !== undefined) {
        reject(call.cancelled);
        return;
      }
      const pool = pools.get(call.cluster!.cluster, call.endpoint!, call.scheme);
      if (overflows(call, pool)) {
        reject(pendingOverflow(call));
        return;
      }
      writeRemainingTime(call, clock);
      const attempt = new HttpAttempt(call, clock, resolve, reject);
      try {
        pool.dispatch(attemptOptions(call), attempt as unknown as Dispatcher.DispatchHandler);
      } catch (error) {
        reject(toFailure(error, false));
        return;
      }
      if (attempt.waitsForConnection) countPending(call, attempt);
    });
}

/** One shape, written out: spreading the caller's options cost a twelfth of a request. The query stands in the path. */
function attemptOptions({ options, path, headers, body }: HttpCall): Dispatcher.DispatchOptions {
  return {
    path,
    method: options.method,
    headers: headers.flat,
    body: body.body,
    idempotent: options.idempotent,
    blocking: options.blocking,
    upgrade: options.upgrade,
    headersTimeout: options.headersTimeout,
    bodyTimeout: options.bodyTimeout,
    reset: options.reset,
    expectContinue: options.expectContinue,
  } as Dispatcher.DispatchOptions;
}

/** Asked before the request is queued, as a queued one cannot be taken back out of undici's queue. */
function overflows(call: HttpCall, pool: Pool): boolean {
  const { breaker } = call.cluster!.state;
  if (breaker.pendingRequests < breaker.thresholds.maxPendingRequests) return false;
  return pool.stats.free === 0;
}

function countPending(call: HttpCall, attempt: HttpAttempt): void {
  const { breaker } = call.cluster!.state;
  breaker.acquirePending();
  attempt.onConnectionSettled = () => breaker.releasePending();
}

function pendingOverflow(call: HttpCall): MeshError {
  const { breaker } = call.cluster!.state;
  breaker.overflows.pendingRequests += 1;
  return new MeshError('upstream_overflow', {
    message: `${breaker.pendingRequests} requests wait for a connection, the limit`,
    hint: 'raise connectionPool.http.http1MaxPendingRequests or tcp.maxConnections of its DestinationRule',
  });
}

/** Tells the next hop how much time is left (Envoy `x-envoy-expected-rq-timeout-ms`): the least of call and attempt. */
function writeRemainingTime(call: HttpCall, clock: Clock): void {
  const perTryMs = call.action?.retry?.perTryTimeoutMs ?? 0;
  const leftMs = call.deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.floor(call.deadline - clock.now()));
  if (leftMs === 0 && perTryMs === 0) return;
  const timeoutMs = leftMs === 0 ? perTryMs : perTryMs === 0 ? leftMs : Math.min(leftMs, perTryMs);
  call.headers.set('x-envoy-expected-rq-timeout-ms', String(timeoutMs));
}
