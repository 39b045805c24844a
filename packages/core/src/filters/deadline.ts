import type { Call } from '../call.js';
import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import { send } from '../send.js';
import type { Filter, Reply } from '../service.js';

/**
 * Ends the call at min(caller, incoming request, route timeout, stream duration), retries and body included. The caller's
 * and the incoming request's deadlines stand in `call.deadline` already; the route's times count from here.
 */
export function deadlineFilter(clock: Clock): Filter {
  return (next) => (call) => {
    const timeoutMs = call.action?.timeoutMs ?? 0;
    const durationMs = maxDurationMs(call);
    if (timeoutMs === 0 && durationMs === 0 && call.deadline === Number.POSITIVE_INFINITY) return next(call);
    const now = clock.now();
    if (timeoutMs > 0) bringForward(call, now + timeoutMs, 'upstream_request_timeout');
    if (durationMs > 0) bringForward(call, now + durationMs, 'max_duration_timeout');
    if (call.deadline <= now) return Promise.reject(deadlineExceeded(call));
    const timer = clock.setTimer(call.deadline - now, () => call.cancel(deadlineExceeded(call)));
    return send(next, call).then(
      (reply) => cancelTimerAtEnd(reply, timer),
      (error) => {
        timer.cancel();
        throw error;
      },
    );
  };
}

function maxDurationMs({ action, protocol }: Call): number {
  if (action === undefined) return 0;
  return protocol === 'grpc' ? action.grpcMaxStreamDurationMs : action.maxStreamDurationMs;
}

/** Why the call fails whose deadline has passed. */
export function deadlineExceeded(call: Call): MeshError {
  return new MeshError(call.deadlineReason, { message: messageOf(call), maybeSent: call.attempt > 0 });
}

function bringForward(call: Call, deadline: number, reason: Call['deadlineReason']): void {
  if (deadline >= call.deadline) return;
  call.deadline = deadline;
  call.deadlineReason = reason;
}

function messageOf(call: Call): string {
  switch (call.deadlineReason) {
    case 'deadline_exceeded':
      return "the caller's deadline has passed";
    case 'upstream_request_timeout':
      return `the route's timeout of ${call.action!.timeoutMs} ms has passed`;
    case 'max_duration_timeout':
      return `the route's maximum stream duration of ${maxDurationMs(call)} ms has passed`;
  }
}

function cancelTimerAtEnd(reply: Reply, timer: { cancel(): void }): Reply {
  reply.onFinish(() => timer.cancel());
  return reply;
}
