import type { Random } from '../clock.js';
import type { WeightedTarget } from '../model/route.js';

/** Chooses a target with a chance of its share of `totalWeight`. A single target costs no random number. */
export function pickTarget(targets: readonly WeightedTarget[], totalWeight: number, random: Random): WeightedTarget {
  if (targets.length === 1) return targets[0]!;
  return targetAt(targets, totalWeight, Math.floor(random() * totalWeight));
}

/**
 * Envoy's choice for a selection value, any integer from 0: the target in whose stretch of cumulative weight the value
 * modulo the total falls (weighted_cluster_specifier.cc). A weight of 0 has no stretch and is never chosen.
 */
export function targetAt(targets: readonly WeightedTarget[], totalWeight: number, selection: number): WeightedTarget {
  let left = selection % totalWeight;
  for (const target of targets) {
    if (left < target.weight) return target;
    left -= target.weight;
  }
  throw new RangeError(`the weights of ${targets.length} targets do not sum to ${totalWeight}`);
}
