import type { Call } from './call.js';
import type { Clock, Random } from './clock.js';
import { circuitBreakersFilter } from './filters/circuit-breakers.js';
import { deadlineFilter } from './filters/deadline.js';
import { loadBalanceFilter } from './filters/load-balance.js';
import { perTryTimeoutFilter } from './filters/per-try-timeout.js';
import { retryFilter } from './filters/retry.js';
import { routeFilter } from './filters/route.js';
import { attemptTelemetryFilter, telemetryFilter } from './filters/telemetry.js';
import type { Filter, Service } from './service.js';
import { stack } from './stack.js';
import type { Telemetry } from './telemetry.js';

/** The walk of an outgoing call, top-down, ending in a transport. The order is the design: each line has its reason. */
export function outbound<C extends Call>(
  transport: Service<C>,
  { clock, random, telemetry }: { clock: Clock; random: Random; telemetry: readonly Telemetry[] },
): Service<C> {
  const filters: Filter[] = [
    telemetryFilter(telemetry, clock, 'client'), // first: it counts what the caller sees, refusals included
    routeFilter(random), //                         once: retries stay on the cluster that was drawn
    deadlineFilter(clock), //                       below route, whose timeout it applies; above retry, which it bounds
    retryFilter(clock, random), //                  the only loop: all below happens once an attempt
    circuitBreakersFilter, //                       below retry: every attempt counts against the limits
    loadBalanceFilter, //                           below the breakers: a refused attempt takes no endpoint's turn
    attemptTelemetryFilter(clock), //               below the balancer: an attempt is told with its endpoint
    perTryTimeoutFilter(clock), //                  last: waiting above must not eat an attempt's time
  ];
  return stack(filters, transport);
}
