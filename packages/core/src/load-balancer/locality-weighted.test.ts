import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom, testCall, testEndpointView } from '../testing/index.js';
import { effectiveWeight, LocalityWeighted } from './locality-weighted.js';
import { RoundRobin } from './round-robin.js';

describe('effectiveWeight', () => {
  it.each([
    [10, 4, 4, 10],
    [10, 3, 4, 10],
    [10, 2, 4, 7],
    [10, 1, 4, 3.5],
    [10, 0, 4, 0],
    [10, 0, 0, 0],
  ])('of a locality of weight %d with %d of %d healthy is %d', (weight, healthy, total, expected) => {
    expect(effectiveWeight(weight, healthy, total, 140)).toBeCloseTo(expected, 12);
  });
});

describe('LocalityWeighted', () => {
  const near = testEndpointView({ host: '10.0.0.1' });
  const far = testEndpointView({ host: '10.0.0.2' });
  const balancer = () =>
    new LocalityWeighted(
      [
        { weight: 7.5, balancer: new RoundRobin([near], () => 0) },
        { weight: 2.5, balancer: new RoundRobin([far], () => 0) },
      ],
      () => 0,
    );

  it('takes localities by their weight', () => {
    const localities = balancer();
    const picks = Array.from({ length: 40 }, () => localities.pick(testCall()));
    expect(picks.filter((pick) => pick === near)).toHaveLength(30);
  });

  it('takes each locality exactly its weight in every run of the total weight', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(weights, fc.integer(), (list, seed) => {
        const views = list.map((_, index) => testEndpointView({ host: `10.0.1.${index + 1}` }));
        const localities = list.map((weight, index) => ({
          weight,
          balancer: new RoundRobin([views[index]!], () => 0),
        }));
        const weighted = new LocalityWeighted(localities, seededRandom(seed));
        const total = list.reduce((a, b) => a + b, 0);
        for (let round = 0; round < 2; round += 1) {
          const counts = list.map(() => 0);
          for (let i = 0; i < total; i += 1) counts[views.indexOf(weighted.pick(testCall())!)]! += 1;
          expect(counts).toEqual(list);
        }
      }),
    );
  });

  it('goes to another locality when all of one were removed, and finds nothing when all were', () => {
    near.state.removed = true;
    const picks = balancer();
    for (let i = 0; i < 10; i += 1) expect(picks.pick(testCall())).toBe(far);
    far.state.removed = true;
    expect(picks.pick(testCall())).toBeUndefined();
    expect(new LocalityWeighted([], () => 0).pick(testCall())).toBeUndefined();
  });
});
