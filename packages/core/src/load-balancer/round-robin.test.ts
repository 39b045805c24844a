import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointView } from '../cluster-view.js';
import { seededRandom, testEndpointViews } from '../testing/index.js';
import { RoundRobin, WeightedRoundRobin } from './round-robin.js';

function countPicks(balancer: Pick<RoundRobin, 'pick'>, views: readonly EndpointView[], picks: number): number[] {
  const counts = views.map(() => 0);
  for (let i = 0; i < picks; i += 1) counts[views.indexOf(balancer.pick()!)]! += 1;
  return counts;
}

function equalViews(count: number): EndpointView[] {
  return testEndpointViews(Array.from({ length: count }, () => ({})));
}

describe('RoundRobin', () => {
  it('goes round in order from a random start', () => {
    const views = equalViews(3);
    const balancer = new RoundRobin(views, () => 0.5);
    expect([1, 2, 3, 4].map(() => views.indexOf(balancer.pick()!))).toEqual([1, 2, 0, 1]);
  });

  it('visits each endpoint equally often over whole rounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }), fc.integer(), (n, k, seed) => {
        const views = equalViews(n);
        const balancer = new RoundRobin(views, seededRandom(seed));
        expect(countPicks(balancer, views, n * k)).toEqual(views.map(() => k));
      }),
    );
  });

  it('steps over an endpoint as soon as it is removed', () => {
    const views = equalViews(3);
    const balancer = new RoundRobin(views, () => 0);
    views[1]!.state.removed = true;
    expect([1, 2, 3].map(() => views.indexOf(balancer.pick()!))).toEqual([0, 2, 0]);
  });

  it('finds nothing among no endpoints, or when all are removed', () => {
    expect(new RoundRobin([], () => 0).pick()).toBeUndefined();
    const views = equalViews(2);
    for (const view of views) view.state.removed = true;
    expect(new RoundRobin(views, () => 0.9).pick()).toBeUndefined();
  });
});

describe('WeightedRoundRobin', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

  it('picks each endpoint exactly its weight in every run of the total weight', () => {
    fc.assert(
      fc.property(weights, fc.integer(), (list, seed) => {
        const views = testEndpointViews(list.map((weight) => ({ weight })));
        const balancer = new WeightedRoundRobin(views, seededRandom(seed));
        const total = list.reduce((a, b) => a + b, 0);
        for (let round = 0; round < 3; round += 1) expect(countPicks(balancer, views, total)).toEqual(list);
      }),
    );
  });

  it('spreads the picks of a heavy endpoint instead of sending a burst', () => {
    const views = testEndpointViews([{ weight: 3 }, { weight: 2 }]);
    const balancer = new WeightedRoundRobin(views, () => 0);
    expect([1, 2, 3, 4, 5].map(() => views.indexOf(balancer.pick()!))).toEqual([0, 1, 0, 0, 1]);
  });

  it('is the same for the same seed', () => {
    const views = testEndpointViews([{ weight: 5 }, { weight: 3 }, { weight: 2 }]);
    const run = () => {
      const balancer = new WeightedRoundRobin(views, seededRandom(11));
      return Array.from({ length: 20 }, () => views.indexOf(balancer.pick()!));
    };
    expect(run()).toEqual(run());
  });

  it('shares the picks of a removed endpoint among the others by weight', () => {
    const views = testEndpointViews([{ weight: 1 }, { weight: 2 }, { weight: 5 }]);
    const balancer = new WeightedRoundRobin(views, () => 0);
    views[2]!.state.removed = true;
    expect(countPicks(balancer, views, 9)).toEqual([3, 6, 0]);
  });

  it('finds nothing when all are removed', () => {
    const views = testEndpointViews([{ weight: 1 }, { weight: 2 }]);
    for (const view of views) view.state.removed = true;
    expect(new WeightedRoundRobin(views, () => 0.9).pick()).toBeUndefined();
  });
});
