import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import type { LoadBalancer } from './load-balancer.js';
import { scanFrom } from './scan.js';
import type { SlowStartFactor } from './slow-start.js';
import { WeightedEndpoints, withSlowStart } from './weighted-endpoints.js';

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
export class WeightedRoundRobin extends WeightedEndpoints {
  constructor(endpoints: readonly EndpointView[], random: Random, slowStart?: SlowStartFactor | undefined) {
    super(
      endpoints,
      withSlowStart(() => 1, slowStart),
      random,
    );
  }
}
