import { breakerOf, type CircuitBreaker, type Clock, MeshError, type Reply, type Service } from '@inmesh/core';
import type { AttemptChannel } from './attempt-channel.js';
import { isRefusedStream } from './failure.js';
import { GrpcAttempt, previousAttempts } from './grpc-attempt.js';
import type { GrpcCall } from './grpc-call.js';
import { toMetadata } from './metadata.js';

/** How often a request may meet connections that their server is about to close. */
const maxRefusals = 3;

/** The end of the outbound walk: sends one attempt on the connection of the endpoint that was picked. */
export function grpcTransport(clock: Clock): Service<GrpcCall> {
  const send: Service<GrpcCall> = (call) =>
    new Promise((resolve, reject) => {
      if (call.cancelled !== undefined) reject(call.cancelled);
      else sendAttempt(call, clock, resolve, reject);
    });
  const sendUntilTaken = (call: GrpcCall, refusals: number): Promise<Reply> =>
    send(call).catch((error) => {
      const failure = MeshError.from(error);
      if (!maySendAgain(call, failure, refusals)) throw failure;
      return sendUntilTaken(call, refusals + 1);
    });
  return (call) => sendUntilTaken(call, 0);
}

/**
 * gRFC A6, transparent retry: what the upstream has refused to begin is sent once more, whatever the policy says; and once
 * again where it was not refused by an upstream that has too much, but by a connection at its end (GOAWAY).
 */
function maySendAgain(call: GrpcCall, failure: MeshError, refusals: number): boolean {
  if (!isRefusedStream(failure) || call.cancelled !== undefined || !call.canReplay()) return false;
  return refusals === 0 || (refusals < maxRefusals && call.currentAttempt?.isConnectionUp === false);
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
  const child = channel.createCall(call.path, wallDeadline(call, clock), host, call.credentials);
  const attempt = new GrpcAttempt(call, channel, resolve, reject, child);
  if (isConnecting) waitForConnection(attempt, channel, call, breaker, clock);
  const metadata = toMetadata(call.headers, call.grpc);
  if (call.attempt > 1) metadata.set(previousAttempts, String(call.attempt - 1));
  attempt.start(metadata);
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

/** grpc-js counts by the time of day. */
function wallDeadline({ deadline }: GrpcCall, clock: Clock): number {
  return deadline === Number.POSITIVE_INFINITY ? deadline : Date.now() + (deadline - clock.now());
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
