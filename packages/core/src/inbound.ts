import type { Call } from './call.js';
import type { Clock, Random } from './clock.js';
import { type Authorize, authorizationFilter } from './filters/authorization.js';
import { concurrencyLimitFilter } from './filters/concurrency-limit.js';
import { corsFilter } from './filters/cors.js';
import { inboundDeadlineFilter } from './filters/inbound-deadline.js';
import { type InboundChecks, inboundPolicyFilter } from './filters/inbound-policy.js';
import { inboundRateLimitFilter } from './filters/rate-limit.js';
import { telemetryFilter } from './filters/telemetry.js';
import type { RateLimiter } from './policy/rate-limiter.js';
import type { Service } from './service.js';
import { stack } from './stack.js';
import type { Telemetry } from './telemetry.js';

/** The walk of an incoming call, top-down, ending in the user's handler. */
export function inbound<C extends Call>(
  handler: Service<C>,
  {
    clock,
    telemetry,
    rateLimits,
    cors,
    policy,
    authorize,
    maxConcurrent,
  }: {
    clock: Clock;
    telemetry: readonly Telemetry[];
    /** Undefined: CORS is left to the handler. See `routeOfIncoming` for `ownHost`. */
    cors?: { random: Random; ownHost: string };
    /** What the configuration's policies need beside the call itself. */
    policy: InboundChecks;
    /** Undefined: every call may be made. */
    authorize?: Authorize<C> | undefined;
    /** Most calls being answered at once; undefined: no limit. */
    maxConcurrent?: number | undefined;
    /** Undefined: calls are not counted. See `inboundRateLimitFilter` for `ownHost`. */
    rateLimits?: { limiter: RateLimiter; random: Random; ownHost: string };
  },
): Service<C> {
  const filters: ((next: Service<C>) => Service<C>)[] = [
    telemetryFilter(telemetry, clock, 'server'), // first: it counts every answer, refusals included
    inboundDeadlineFilter(clock), //                before the handler: what it calls inherits the time that is left
    inboundPolicyFilter(policy), //                 before all that acts on a request: a stranger's is looked at no further
  ];
  if (cors !== undefined) {
    // before the limits: a preflight takes no token, and a refusal may be read by the page that is refused
    filters.push(corsFilter(cors.random, cors.ownHost));
  }
  if (authorize !== undefined) {
    // before the limits: what strangers try takes no place and no token
    filters.push(authorizationFilter(authorize));
  }
  if (maxConcurrent !== undefined) {
    // before the rate limits: what there is no place for takes no token
    filters.push(concurrencyLimitFilter(maxConcurrent));
  }
  if (rateLimits !== undefined) {
    // last: only calls that would reach the handler take a token
    filters.push(inboundRateLimitFilter(rateLimits.limiter, rateLimits.random, rateLimits.ownHost));
  }
  return stack(filters, handler);
}
