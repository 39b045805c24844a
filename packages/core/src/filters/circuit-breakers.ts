import type { Call } from '../call.js';
import { MeshError } from '../errors.js';
import { breakerOf } from '../policy/breaker-of.js';
import type { CircuitBreaker } from '../policy/circuit-breaker.js';
import { send } from '../send.js';
import type { Filter } from '../service.js';

/** Every attempt counts against the cluster's limit of requests, from here to the end of its body. */
export const circuitBreakersFilter: Filter = (next) => (call) => {
  const breaker = breakerOf(call);
  if (!breaker.tryAcquireRequest()) return Promise.reject(overflow(call, breaker));
  return send(next, call).then(
    (reply) => {
      reply.onFinish(() => breaker.releaseRequest());
      return reply;
    },
    (error) => {
      breaker.releaseRequest();
      throw error;
    },
  );
};

function overflow(call: Call, { requests }: CircuitBreaker): MeshError {
  return new MeshError('upstream_overflow', {
    message: `${requests} requests of the cluster are under way, the limit`,
    cluster: call.cluster!.cluster.name,
    hint: 'raise connectionPool.http.http2MaxRequests of its DestinationRule, or send less',
  });
}
