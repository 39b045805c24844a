import type { Call } from './call.js';
import type { Clock } from './clock.js';
import { inboundDeadlineFilter } from './filters/inbound-deadline.js';
import { telemetryFilter } from './filters/telemetry.js';
import type { Filter, Service } from './service.js';
import { stack } from './stack.js';
import type { Telemetry } from './telemetry.js';

/** The walk of an incoming call, top-down, ending in the user's handler. */
export function inbound<C extends Call>(
  handler: Service<C>,
  { clock, telemetry }: { clock: Clock; telemetry: readonly Telemetry[] },
): Service<C> {
  const filters: Filter[] = [
    telemetryFilter(telemetry, clock, 'server'), // first: it counts every answer, refusals included
    inboundDeadlineFilter(clock), //                before the handler: what it calls inherits the time that is left
  ];
  return stack(filters, handler);
}
