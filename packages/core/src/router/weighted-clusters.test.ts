import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WeightedTarget } from '../model/route.js';
import { seededRandom } from '../testing/index.js';
import { pickTarget, targetAt } from './weighted-clusters.js';

function targetsOf(weights: readonly number[]): WeightedTarget[] {
  return weights.map((weight, index) => ({ cluster: `cluster${index + 1}`, weight }));
}

const sum = (weights: readonly number[]) => weights.reduce((a, b) => a + b, 0);

describe('targetAt', () => {
  // Envoy: test/tools/router_check/test/config/Weighted.yaml
  it.each([
    [115, 'cluster1'],
    [445, 'cluster2'],
    [560, 'cluster3'],
  ])('chooses among 30/30/40 as Envoy does for %i', (selection, cluster) => {
    expect(targetAt(targetsOf([30, 30, 40]), 100, selection).cluster).toBe(cluster);
  });

  it('gives each target exactly its weight over all selection values', () => {
    const weights = fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }).filter((list) => sum(list) > 0);
    fc.assert(
      fc.property(weights, (list) => {
        const targets = targetsOf(list);
        const counts = targets.map(() => 0);
        for (let value = 0; value < sum(list); value += 1) {
          counts[targets.indexOf(targetAt(targets, sum(list), value))]! += 1;
        }
        expect(counts).toEqual(list);
      }),
    );
  });

  it('refuses a total that is not the sum', () => {
    expect(() => targetAt(targetsOf([1, 1]), 5, 4)).toThrow(RangeError);
  });
});

describe('pickTarget', () => {
  it('draws no number for a single target', () => {
    const draw = () => {
      throw new Error('drawn');
    };
    expect(pickTarget(targetsOf([7]), 7, draw).cluster).toBe('cluster1');
  });

  it('stays within the targets at both ends of the random range', () => {
    const targets = targetsOf([1, 0, 2]);
    expect(pickTarget(targets, 3, () => 0).cluster).toBe('cluster1');
    expect(pickTarget(targets, 3, () => 1 - 2 ** -53).cluster).toBe('cluster3');
  });

  it('keeps close to the weights over many calls', () => {
    const random = seededRandom(3);
    const targets = targetsOf([90, 10]);
    let second = 0;
    for (let i = 0; i < 20_000; i += 1) if (pickTarget(targets, 100, random) === targets[1]) second += 1;
    expect(second / 20_000).toBeCloseTo(0.1, 2);
  });
});
