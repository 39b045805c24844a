import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import { EdfSchedule } from './edf-schedule.js';
import type { LoadBalancer } from './load-balancer.js';

/** A locality with at least one endpoint that may be picked. */
export interface WeightedLocality {
  /** Above 0. */
  readonly weight: number;
  readonly balancer: LoadBalancer;
}

/** A locality by weight first, then one of its endpoints (Envoy locality_wrr.cc). */
export class LocalityWeighted implements LoadBalancer {
  readonly #schedule: EdfSchedule;
  /** Whether all endpoints of a locality have been removed, which is for ever. */
  readonly #emptied: boolean[];

  constructor(
    private readonly localities: readonly WeightedLocality[],
    random: Random,
  ) {
    const weights = localities.map(({ weight }) => weight);
    this.#emptied = weights.map(() => false);
    this.#schedule = new EdfSchedule(weights, pickCost, (index) => this.#emptied[index]!, random);
  }

  pick(call: Call, refused = 0): EndpointView | undefined {
    for (;;) {
      const index = this.#schedule.pick();
      if (index < 0) return undefined;
      const pick = this.localities[index]!.balancer.pick(call, refused);
      if (pick !== undefined) return pick;
      this.#emptied[index] = true;
    }
  }
}

function pickCost(): number {
  return 1;
}

/**
 * The weight of a locality as far as its healthy endpoints cover it: it loses none while 1 / 1.4 of them are healthy.
 * @param overprovisioningPercent 140 unless the assignment says otherwise
 */
export function effectiveWeight(
  weight: number,
  healthy: number,
  total: number,
  overprovisioningPercent: number,
): number {
  return total === 0 ? 0 : weight * Math.min(1, (overprovisioningPercent / 100) * (healthy / total));
}
