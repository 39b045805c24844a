import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import { EdfSchedule } from './edf-schedule.js';
import type { LoadBalancer } from './load-balancer.js';
import type { SlowStartFactor } from './slow-start.js';

/** Each endpoint as often as its weight says, divided by what a pick of it costs now. */
export class WeightedEndpoints implements LoadBalancer {
  readonly #schedule: EdfSchedule;

  constructor(
    private readonly endpoints: readonly EndpointView[],
    costOf: (view: EndpointView) => number,
    random: Random,
  ) {
    this.#schedule = new EdfSchedule(
      endpoints.map((view) => view.endpoint.weight),
      (index) => costOf(endpoints[index]!),
      (index) => endpoints[index]!.state.removed,
      random,
    );
  }

  pick(): EndpointView | undefined {
    const index = this.#schedule.pick();
    return index < 0 ? undefined : this.endpoints[index];
  }
}

/** The cost of a pick where endpoints that are new get less. */
export function withSlowStart(
  costOf: (view: EndpointView) => number,
  slowStart: SlowStartFactor | undefined,
): (view: EndpointView) => number {
  return slowStart === undefined ? costOf : (view) => costOf(view) / slowStart.of(view.host);
}
