import { MeshError } from '../errors.js';
import { send } from '../send.js';
import type { Filter } from '../service.js';

/**
 * Refuses incoming calls while so many are being answered. A call counts to the end of its response: a stream is work for
 * as long as it lasts. The refusal is 503 in HTTP, as of Envoy's adaptive concurrency, and RESOURCE_EXHAUSTED in gRPC.
 */
export function concurrencyLimitFilter(maxConcurrent: number): Filter {
  let active = 0;
  const leave = () => {
    active -= 1;
  };
  return (next) => (call) => {
    if (active >= maxConcurrent) return Promise.reject(limited(maxConcurrent));
    active += 1;
    return send(next, call).then(
      (reply) => {
        reply.onFinish(leave);
        return reply;
      },
      (error) => {
        leave();
        throw error;
      },
    );
  };
}

function limited(maxConcurrent: number): MeshError {
  return new MeshError('concurrency_limited', { message: `${maxConcurrent} calls are being answered, the limit` });
}
