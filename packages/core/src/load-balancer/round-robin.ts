import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import { EdfSchedule } from './edf-schedule.js';
import type { LoadBalancer } from './load-balancer.js';
import { scanFrom } from './scan.js';

/** Each endpoint in turn, from a random one on, so that clients that start together do not march in step. */
export class RoundRobin implements LoadBalancer {
  #next: number;

  constructor(
    private readonly endpoints: readonly EndpointView[],
    random: Random,
  ) {
    this.#next = Math.floor(random() * endpoints.length);
  }

  pick(): EndpointView | undefined {
    const index = scanFrom(this.endpoints, this.#next);
    if (index < 0) return undefined;
    this.#next = index + 1 === this.endpoints.length ? 0 : index + 1;
    return this.endpoints[index];
  }
}

/** Each endpoint as often as its weight says. */
export class WeightedRoundRobin implements LoadBalancer {
  readonly #schedule: EdfSchedule;

  constructor(endpoints: readonly EndpointView[], random: Random) {
    this.#schedule = new EdfSchedule(endpoints, () => 1, random);
  }

  pick(): EndpointView | undefined {
    return this.#schedule.pick();
  }
}
