import { MeshError } from '../errors.js';
import { breakerOf } from '../policy/breaker-of.js';
import type { Filter } from '../service.js';

/** Every attempt counts against the cluster's limit of requests, from here to the end of its body. */
export const circuitBreakersFilter: Filter = (next) => async (call) => {
  const cluster = call.cluster!;
  const breaker = breakerOf(call);
  if (!breaker.tryAcquireRequest()) {
    throw new MeshError('upstream_overflow', {
      message: `${breaker.requests} requests of the cluster are under way, the limit`,
      cluster: cluster.cluster.name,
      hint: 'raise connectionPool.http.http2MaxRequests of its DestinationRule, or send less',
    });
  }
  try {
    const reply = await next(call);
    reply.onFinish(() => breaker.releaseRequest());
    return reply;
  } catch (error) {
    breaker.releaseRequest();
    throw error;
  }
};
