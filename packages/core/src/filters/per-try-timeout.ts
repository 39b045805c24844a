import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import type { Filter } from '../service.js';

/** Bounds one attempt up to its response headers; after them only the deadline counts (Envoy `per_try_timeout`). */
export function perTryTimeoutFilter(clock: Clock): Filter {
  return (next) => (call) => {
    const timeoutMs = call.action?.retry?.perTryTimeoutMs ?? 0;
    if (timeoutMs === 0) return next(call);
    const timer = clock.setTimer(timeoutMs, () => {
      call.interrupt?.(
        new MeshError('upstream_per_try_timeout', {
          message: `no response headers within ${timeoutMs} ms`,
          maybeSent: true,
        }),
      );
    });
    return next(call).finally(() => timer.cancel());
  };
}
