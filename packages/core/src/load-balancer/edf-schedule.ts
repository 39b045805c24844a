import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';

/**
 * Earliest deadline first, what Envoy does when weights differ (edf_scheduler.h): each pick moves an endpoint's deadline
 * on by cost / weight, and the earliest deadline is next. Costs are summed as integers and divided afresh, because a sum
 * of fractions drifts: with a cost of 1 every run of (sum of weights) picks holds each endpoint exactly its weight.
 *
 * The scan is linear. It touches one array of numbers, runs only where weights differ, and needs no heap.
 */
export class EdfSchedule {
  readonly #costs: Float64Array;
  readonly #deadlines: Float64Array;

  constructor(
    private readonly endpoints: readonly EndpointView[],
    private readonly costOf: (view: EndpointView) => number,
    random: Random,
  ) {
    this.#costs = new Float64Array(endpoints.length);
    this.#deadlines = new Float64Array(endpoints.length);
    for (let index = 0; index < endpoints.length; index += 1) this.#charge(index);
    // Clients that start together would otherwise all begin with the heaviest endpoint.
    for (let skipped = Math.floor(random() * endpoints.length); skipped > 0; skipped -= 1) this.pick();
  }

  pick(): EndpointView | undefined {
    const next = this.#earliest();
    if (next < 0) return undefined;
    this.#charge(next);
    return this.endpoints[next];
  }

  #earliest(): number {
    const deadlines = this.#deadlines;
    let earliest = -1;
    let deadline = Number.POSITIVE_INFINITY;
    for (let index = 0; index < deadlines.length; index += 1) {
      if (deadlines[index]! >= deadline || this.endpoints[index]!.state.removed) continue;
      earliest = index;
      deadline = deadlines[index]!;
    }
    return earliest;
  }

  #charge(index: number): void {
    const view = this.endpoints[index]!;
    this.#costs[index]! += this.costOf(view);
    this.#deadlines[index] = this.#costs[index]! / view.endpoint.weight;
  }
}
