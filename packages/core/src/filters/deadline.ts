import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import type { Filter, Reply } from '../service.js';

/**
 * Ends the call at min(caller, incoming request, route timeout), retries and body included. The caller's and the incoming
 * request's deadlines stand in `call.deadline` already; the route's timeout counts from here.
 */
export function deadlineFilter(clock: Clock): Filter {
  return (next) => (call) => {
    const timeoutMs = call.action?.timeoutMs ?? 0;
    if (timeoutMs === 0 && call.deadline === Number.POSITIVE_INFINITY) return next(call);
    const now = clock.now();
    const routeDeadline = timeoutMs > 0 ? now + timeoutMs : Number.POSITIVE_INFINITY;
    const byRoute = routeDeadline < call.deadline;
    if (byRoute) call.deadline = routeDeadline;
    const exceeded = () =>
      byRoute
        ? new MeshError('upstream_request_timeout', {
            message: `the route's timeout of ${timeoutMs} ms has passed`,
            maybeSent: true,
          })
        : new MeshError('deadline_exceeded', {
            message: "the caller's deadline has passed",
            maybeSent: call.attempt > 0,
          });
    if (call.deadline <= now) return Promise.reject(exceeded());
    const timer = clock.setTimer(call.deadline - now, () => call.cancel(exceeded()));
    return next(call).then(
      (reply) => cancelTimerAtEnd(reply, timer),
      (error) => {
        timer.cancel();
        throw error;
      },
    );
  };
}

function cancelTimerAtEnd(reply: Reply, timer: { cancel(): void }): Reply {
  reply.onFinish(() => timer.cancel());
  return reply;
}
