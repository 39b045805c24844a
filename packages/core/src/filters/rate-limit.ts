import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { RateLimit } from '../model/route.js';
import type { RateLimiter, RateLimitSide, RateLimitVerdict } from '../policy/rate-limiter.js';
import { routeOfIncoming } from '../router/incoming-route.js';
import type { Filter, Reply, Service } from '../service.js';

/** Refuses outgoing calls above the limits of their route. */
export function rateLimitFilter(limiter: RateLimiter): Filter {
  return (next) => (call) => {
    const limits = call.route?.rateLimits;
    if (limits === undefined || limits.length === 0) return next(call);
    return limited(limiter, limits, 'outbound', call, next);
  };
}

/**
 * Refuses incoming calls above the limits of the route that their authority and path lead to.
 * @param ownHost see `routeOfIncoming`
 */
export function inboundRateLimitFilter(limiter: RateLimiter, random: Random, ownHost: string): Filter {
  return (next) => (call) => {
    if (!call.snapshot.hasInboundLimits) return next(call);
    const limits = routeOfIncoming(call, random, ownHost)?.rateLimits;
    if (limits === undefined || limits.length === 0) return next(call);
    return limited(limiter, limits, 'inbound', call, next);
  };
}

function limited<C extends Call>(
  limiter: RateLimiter,
  limits: readonly RateLimit[],
  side: RateLimitSide,
  call: C,
  next: Service<C>,
): Promise<Reply> {
  const go = (refusing: RateLimitVerdict): Promise<Reply> => {
    // The deadline may have passed while a store was asked.
    if (call.cancelled !== undefined) return Promise.reject(call.cancelled);
    return refusing === undefined ? next(call) : Promise.resolve(refuse(call, refusing));
  };
  const verdict = limiter.check(limits, side, call);
  return verdict instanceof Promise ? verdict.then(go) : go(verdict);
}

function refuse(call: Call, { httpStatus, grpcStatus, responseHeaders }: RateLimit): Reply {
  return call.respond({
    httpStatus,
    grpcStatus,
    headers: [
      ...['x-envoy-ratelimited', 'true', 'x-inmesh-reason', 'rate_limited', 'content-type', 'text/plain'],
      ...responseHeaders,
    ],
    body: 'local_rate_limited',
    flags: 'RL',
  });
}
