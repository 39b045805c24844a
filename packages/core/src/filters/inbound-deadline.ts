import type { Clock } from '../clock.js';
import { send } from '../send.js';
import type { Filter } from '../service.js';
import { deadlineExceeded } from './deadline.js';

/**
 * Cancels an incoming call, and with it every call its handler makes, when the time its caller gave has passed. One that
 * comes with no time left is refused: nobody would see its answer.
 */
export function inboundDeadlineFilter(clock: Clock): Filter {
  return (next) => (call) => {
    if (call.deadline === Number.POSITIVE_INFINITY) return next(call);
    const leftMs = call.deadline - clock.now();
    if (leftMs <= 0) return Promise.reject(deadlineExceeded(call));
    const timer = clock.setTimer(leftMs, () => call.cancel(deadlineExceeded(call)));
    return send(next, call).then(
      (reply) => {
        reply.onFinish(() => {
          timer.cancel();
          // Nobody waits for what the handler still does in the background.
          call.deadline = Number.POSITIVE_INFINITY;
        });
        return reply;
      },
      (error) => {
        timer.cancel();
        throw error;
      },
    );
  };
}
