import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import type { Filter } from '../service.js';

/** Cancels an incoming call, and with it every call its handler makes, when the time its caller gave has passed. */
export function inboundDeadlineFilter(clock: Clock): Filter {
  return (next) => (call) => {
    if (call.deadline === Number.POSITIVE_INFINITY) return next(call);
    const timer = clock.setTimer(call.deadline - clock.now(), () => {
      call.cancel(new MeshError('deadline_exceeded', { message: "the caller's deadline has passed" }));
    });
    return next(call).then((reply) => {
      reply.onFinish(() => {
        timer.cancel();
        // Nobody waits for what the handler still does in the background.
        call.deadline = Number.POSITIVE_INFINITY;
      });
      return reply;
    });
  };
}
