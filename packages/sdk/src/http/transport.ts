import { breakerOf, type CircuitBreaker, type Clock, MeshError, type Service } from '@inmesh/core';
import type { Dispatcher } from 'undici';
import type { ConnectionPool } from './connection-pool.js';
import type { EndpointPools } from './endpoint-pools.js';
import { toFailure } from './failure.js';
import { HttpAttempt } from './http-attempt.js';
import type { HttpCall } from './http-call.js';
import { writeRemainingTime } from './remaining-time.js';

/** The end of the outbound walk: sends one attempt on a connection of the endpoint that was picked. */
export function httpTransport(pools: EndpointPools, clock: Clock): Service<HttpCall> {
  return (call) =>
    new Promise((resolve, reject) => {
      if (call.cancelled !== undefined) {
        reject(call.cancelled);
        return;
      }
      const breaker = breakerOf(call);
      const pool = pools.get(call.cluster!, call.endpoint!, call.scheme, breaker);
      if (overflows(breaker, pool)) {
        reject(pendingOverflow(breaker));
        return;
      }
      writeRemainingTime(call, clock);
      const attempt = new HttpAttempt(call, clock, resolve, reject);
      try {
        pool.dispatch(attemptOptions(call), attempt);
      } catch (error) {
        reject(toFailure(error, false));
        return;
      }
      if (attempt.waitsForConnection) countPending(breaker, attempt);
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

/** Asked before the request is queued: one that comes up against the limit fails at once. */
function overflows(breaker: CircuitBreaker, pool: ConnectionPool): boolean {
  return breaker.remaining('pendingRequests') === 0 && !pool.hasIdle;
}

function countPending(breaker: CircuitBreaker, attempt: HttpAttempt): void {
  breaker.acquirePending();
  attempt.onConnectionSettled = () => breaker.releasePending();
}

function pendingOverflow(breaker: CircuitBreaker): MeshError {
  breaker.overflows.pendingRequests += 1;
  return new MeshError('upstream_overflow', {
    message: `${breaker.pendingRequests} requests wait for a connection, the limit`,
    hint: 'raise connectionPool.http.http1MaxPendingRequests or tcp.maxConnections of its DestinationRule',
  });
}
