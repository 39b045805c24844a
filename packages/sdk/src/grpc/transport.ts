import { breakerOf, type CircuitBreaker, type Clock, MeshError, type Reply, type Service } from '@inmesh/core';
import type { AttemptChannel } from './attempt-channel.js';
import { GrpcAttempt, previousAttempts } from './grpc-attempt.js';
import type { GrpcCall } from './grpc-call.js';
import { toMetadata } from './metadata.js';

/** The end of the outbound walk: sends one attempt on the connection of the endpoint that was picked. */
export function grpcTransport(clock: Clock): Service<GrpcCall> {
  return (call) =>
    new Promise((resolve, reject) => {
      if (call.cancelled !== undefined) reject(call.cancelled);
      else sendAttempt(call, clock, resolve, reject);
    });
}

function sendAttempt(
  call: GrpcCall,
  clock: Clock,
  resolve: (reply: Reply) => void,
  reject: (failure: MeshError) => void,
): void {
  const breaker = breakerOf(call);
  const channel = call.channels.get(call, breaker);
  const isConnecting = !channel.isReady;
  if (isConnecting && breaker.remaining('pendingRequests') === 0) {
    reject(pendingOverflow(breaker));
    return;
  }
  const host = call.headers.get('host') ?? call.authority;
  const metadata = toMetadata(call.headers, call.grpc);
  if (call.attempt > 1) metadata.set(previousAttempts, String(call.attempt - 1));
  const child = channel.createCall(call.path, wallDeadline(call, clock), host, call.credentials);
  const attempt = new GrpcAttempt(call, channel, resolve, reject, child);
  if (isConnecting) waitForConnection(attempt, channel, call, breaker, clock);
  try {
    attempt.start(metadata);
  } catch (error) {
    // What a client's own interceptors throw.
    attempt.abandon(MeshError.from(error));
  }
}

/** While the connection comes up the call is pending in the cluster's limits, and no longer than its connect timeout. */
function waitForConnection(
  attempt: GrpcAttempt,
  channel: AttemptChannel,
  call: GrpcCall,
  breaker: CircuitBreaker,
  clock: Clock,
): void {
  const { connectTimeoutMs } = call.cluster!.cluster;
  breaker.acquirePending();
  const timer = clock.setTimer(connectTimeoutMs, () => attempt.giveUp(connectTimedOut(connectTimeoutMs)));
  const settled = () => {
    attempt.onAnswered = undefined;
    timer.cancel();
    stopWaiting();
    breaker.releasePending();
  };
  const stopWaiting = channel.onReady(settled);
  attempt.onAnswered = settled;
}

/** What `grpc-timeout` can say in its eight digits; at more grpc-js throws where nobody catches it. */
const maxTimeoutMs = 99_999_999 * 3_600_000;

/** grpc-js counts by the time of day. */
function wallDeadline({ deadline }: GrpcCall, clock: Clock): number {
  const leftMs = deadline === Number.POSITIVE_INFINITY ? deadline : deadline - clock.now();
  return leftMs > maxTimeoutMs ? Number.POSITIVE_INFINITY : Date.now() + leftMs;
}

function connectTimedOut(timeoutMs: number): MeshError {
  return new MeshError('upstream_connection_failure', {
    message: `no connection within ${timeoutMs} ms`,
    hint: 'no answer to the connection: a firewall, a NetworkPolicy or a dead node',
  });
}

function pendingOverflow(breaker: CircuitBreaker): MeshError {
  breaker.overflows.pendingRequests += 1;
  return new MeshError('upstream_overflow', {
    message: `${breaker.pendingRequests} requests wait for a connection, the limit`,
    hint: 'raise connectionPool.http.http1MaxPendingRequests of its DestinationRule',
  });
}
