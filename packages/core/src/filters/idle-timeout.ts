import type { Call } from '../call.js';
import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import { IdleWatch } from '../policy/idle-watch.js';
import type { Filter, Reply, Service } from '../service.js';

/** Ends a call in which no byte moves in either direction for so long as its route allows (Envoy `RouteAction.idle_timeout`). */
export function idleTimeoutFilter(clock: Clock): Filter {
  return (next) => (call) => {
    const timeoutMs = call.action?.idleTimeoutMs ?? 0;
    return timeoutMs === 0 ? next(call) : watched(next, call, timeoutMs, clock);
  };
}

async function watched<C extends Call>(next: Service<C>, call: C, timeoutMs: number, clock: Clock): Promise<Reply> {
  const watch = new IdleWatch(clock, timeoutMs, () =>
    call.cancel(
      new MeshError('stream_idle_timeout', {
        message: `nothing moved in either direction for ${timeoutMs} ms`,
        maybeSent: call.attempt > 0,
      }),
    ),
  );
  call.idleWatch = watch;
  try {
    const reply = await next(call);
    reply.onFinish(() => watch.stop());
    return reply;
  } catch (error) {
    watch.stop();
    throw error;
  }
}
