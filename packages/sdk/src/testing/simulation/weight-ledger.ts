import type { ForwardAction } from '@inmesh/core';
import type { SimulatedCall } from './call.js';

/** So far from its mean a binomial count lies once in two million runs. */
const maxSigmas = 5.2;

/** Counts which cluster was drawn for each weighted route. */
export class WeightLedger {
  readonly #drawn = new Map<ForwardAction, Map<string, number>>();

  record({ route, target }: SimulatedCall): void {
    const action = route?.action;
    if (action?.kind !== 'forward' || target === undefined || action.targets.length < 2) return;
    const counts = this.#drawn.get(action) ?? new Map<string, number>();
    counts.set(target.cluster, (counts.get(target.cluster) ?? 0) + 1);
    this.#drawn.set(action, counts);
  }

  *deviations(): Generator<string> {
    for (const [{ targets, totalWeight }, counts] of this.#drawn) {
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      for (const { cluster, weight } of targets) {
        const share = weight / totalWeight;
        const expected = total * share;
        const found = counts.get(cluster) ?? 0;
        // The continuity correction: for few calls the normal curve is too narrow.
        const allowed = maxSigmas * Math.sqrt(expected * (1 - share)) + 3;
        if (Math.abs(found - expected) > allowed)
          yield `${cluster}: ${found} of ${total} calls, weight ${weight} of ${totalWeight}`;
      }
    }
  }
}
