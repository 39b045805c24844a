import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import type { LoadBalancer } from './load-balancer.js';
import { scanFrom } from './scan.js';
import type { SlowStartFactor } from './slow-start.js';
import { WeightedEndpoints, withSlowStart } from './weighted-endpoints.js';

/**
 * The least loaded of a few random choices, the first of equals (Envoy `LeastRequest`). Choices may coincide, as in Envoy:
 * the most loaded endpoint then keeps a small share, and is seen to recover.
 */
export class LeastRequest implements LoadBalancer {
  constructor(
    private readonly endpoints: readonly EndpointView[],
    private readonly choices: number,
    private readonly random: Random,
  ) {}

  pick(): EndpointView | undefined {
    let best = this.#choose();
    if (best === undefined || this.endpoints.length === 1) return best;
    for (let choice = 1; choice < this.choices; choice += 1) {
      const other = this.#choose();
      if (other !== undefined && other.state.inFlight < best.state.inFlight) best = other;
    }
    return best;
  }

  #choose(): EndpointView | undefined {
    const index = scanFrom(this.endpoints, Math.floor(this.random() * this.endpoints.length));
    return index < 0 ? undefined : this.endpoints[index];
  }
}

/**
 * Where weights differ, Envoy schedules by weight / (active + 1) ^ bias instead of choosing at random: two random choices
 * would give a light endpoint far more than its share while the cluster is idle.
 */
export class WeightedLeastRequest extends WeightedEndpoints {
  constructor(
    endpoints: readonly EndpointView[],
    random: Random,
    activeRequestBias = 1,
    slowStart?: SlowStartFactor | undefined,
  ) {
    super(endpoints, withSlowStart(loadCost(activeRequestBias), slowStart), random);
  }
}

function loadCost(bias: number): (view: EndpointView) => number {
  if (bias === 1) return (view) => view.state.inFlight + 1;
  return (view) => (view.state.inFlight + 1) ** bias;
}
