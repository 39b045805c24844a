import type { Call } from '../call.js';
import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import type { RetryPolicy } from '../model/route.js';
import { IdleWatch } from '../policy/idle-watch.js';
import { send } from '../send.js';
import type { Filter, Reply, Service } from '../service.js';
import { deadlineExceeded } from './deadline.js';

/**
 * Bounds one attempt up to its response headers (Envoy `per_try_timeout`), and its silences to the end of its body (Envoy
 * `per_try_idle_timeout`). An attempt that would begin after the call's deadline is not made.
 */
export function perTryTimeoutFilter(clock: Clock): Filter {
  return (next) => (call) => {
    if (call.deadline !== Number.POSITIVE_INFINITY && call.deadline <= clock.now())
      return Promise.reject(call.cancelled ?? deadlineExceeded(call));
    const retry = call.action?.retry;
    if (retry === undefined) return next(call);
    const { perTryTimeoutMs } = retry;
    if (perTryTimeoutMs === 0) return makeAttempt(next, call, retry, clock);
    const timer = clock.setTimer(perTryTimeoutMs, () => {
      call.interrupt?.(givenUp(`no response headers within ${perTryTimeoutMs} ms`));
    });
    return makeAttempt(next, call, retry, clock).finally(() => timer.cancel());
  };
}

function makeAttempt<C extends Call>(
  next: Service<C>,
  call: C,
  { perTryIdleTimeoutMs }: RetryPolicy,
  clock: Clock,
): Promise<Reply> {
  return perTryIdleTimeoutMs === 0 ? send(next, call) : watchedAttempt(next, call, perTryIdleTimeoutMs, clock);
}

async function watchedAttempt<C extends Call>(
  next: Service<C>,
  call: C,
  timeoutMs: number,
  clock: Clock,
): Promise<Reply> {
  const watch = new IdleWatch(clock, timeoutMs, () => {
    interrupt?.(givenUp(`nothing of the response came for ${timeoutMs} ms`));
  });
  call.attemptIdleWatch = watch;
  const attempt = send(next, call);
  // This attempt's own: while a response that was dropped still drains, the slot may be a later attempt's.
  const interrupt = call.interrupt;
  try {
    const reply = await attempt;
    reply.onFinish(() => watch.stop());
    return reply;
  } catch (error) {
    watch.stop();
    throw error;
  }
}

function givenUp(message: string): MeshError {
  return new MeshError('upstream_per_try_timeout', { message, maybeSent: true });
}
