import type { Call } from './call.js';
import type { Clock, Random } from './clock.js';
import { circuitBreakersFilter } from './filters/circuit-breakers.js';
import { deadlineFilter } from './filters/deadline.js';
import { faultFilter } from './filters/fault.js';
import { hashKeyFilter } from './filters/hash-key.js';
import { idleTimeoutFilter } from './filters/idle-timeout.js';
import { loadBalanceFilter } from './filters/load-balance.js';
import { mirrorFilter } from './filters/mirror.js';
import { endpointAuthorityFilter, mutateFilter } from './filters/mutate.js';
import { outlierDetectionFilter } from './filters/outlier-detection.js';
import { perTryTimeoutFilter } from './filters/per-try-timeout.js';
import { rateLimitFilter } from './filters/rate-limit.js';
import { retryFilter } from './filters/retry.js';
import { routeFilter } from './filters/route.js';
import { attemptTelemetryFilter, telemetryFilter } from './filters/telemetry.js';
import { transparentRetryFilter } from './filters/transparent-retry.js';
import { waitForReadyFilter } from './filters/wait-for-ready.js';
import { RateLimiter } from './policy/rate-limiter.js';
import type { WallClock } from './policy/retry-after.js';
import type { Filter, Service } from './service.js';
import { stack } from './stack.js';
import type { Telemetry } from './telemetry.js';

/** The walk of an outgoing call, top-down, ending in a transport. The order is the design: each line has its reason. */
export function outbound<C extends Call>(
  transport: Service<C>,
  {
    clock,
    random,
    telemetry,
    rateLimiter = new RateLimiter({ clock, random }),
    wallClock,
    picksEndpoint = true,
  }: {
    clock: Clock;
    random: Random;
    telemetry: readonly Telemetry[];
    rateLimiter?: RateLimiter;
    /** For servers that say by the time of day when to retry; without it the usual back-off counts. */
    wallClock?: WallClock;
    /** False for a client that has connections of its own: where its attempts go is its business. Default true. */
    picksEndpoint?: boolean;
  },
): Service<C> {
  const endpointFilters: Filter[] = [
    loadBalanceFilter, //                           first: the others are about the endpoint that it picks
    endpointAuthorityFilter, //                     below the balancer: the host may be the name of the endpoint
    outlierDetectionFilter(clock), //               below the balancer: it judges the endpoint that was picked
  ];
  const attemptFilters: Filter[] = [
    waitForReadyFilter(clock), //                   above the breakers: a call that waits takes no place
    circuitBreakersFilter, //                       below retry: every attempt counts against the limits
    transparentRetryFilter, //                      above the balancer, which picks anew; below the breakers: it keeps its place
    ...(picksEndpoint ? endpointFilters : []), //   below the breakers: a refused attempt takes no endpoint's turn
    attemptTelemetryFilter(clock), //               below the balancer: an attempt is told with its endpoint
    perTryTimeoutFilter(clock), //                  last: waiting above must not eat an attempt's time
  ];
  // The lower part of the walk is made once: a mirror's copy goes the same way, below a deadline of its own.
  const attempt = stack(attemptFilters, transport);
  const shadow = stack([deadlineFilter(clock)], attempt);
  const filters: ((next: Service<C>) => Service<C>)[] = [
    telemetryFilter(telemetry, clock, 'client'), // first: it counts what the caller sees, refusals included
    routeFilter(random), //                         once: retries stay on the cluster that was drawn
    faultFilter(clock, random), //                  above the deadline: the route's timeout counts after an injected delay
    deadlineFilter(clock), //                       below route, whose timeout it applies; above retry, which it bounds
    idleTimeoutFilter(clock), //                    beside the deadline: silence ends the whole call, too
    rateLimitFilter(rateLimiter), //                above retry: a call takes one token, however often it is tried
    hashKeyFilter(random), //                       above mutate: the key is made of what the caller sent, once for a call
    mutateFilter, //                                above retry: a path is rewritten once, and every attempt sends it
    mirrorFilter(random, shadow), //                above retry: copied once, as the upstream is to see it
    retryFilter({ clock, random, wallClock }), //   the only loop: all below happens once an attempt
  ];
  return stack(filters, attempt);
}
