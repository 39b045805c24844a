import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointView } from '../cluster-view.js';
import { seededRandom, testEndpointView, testEndpointViews } from '../testing/index.js';
import { LeastRequest, WeightedLeastRequest } from './least-request.js';

function loaded(inFlight: readonly number[]): EndpointView[] {
  return inFlight.map((count, index) => testEndpointView({ host: `10.0.0.${index + 1}` }, { inFlight: count }));
}

/** Gives back `values` in order, and fails when they are used up. */
function scripted(...values: number[]): () => number {
  return () => {
    const value = values.shift();
    if (value === undefined) throw new Error('no more random numbers');
    return value;
  };
}

describe('LeastRequest', () => {
  it('takes the less loaded of two choices', () => {
    const views = loaded([5, 1, 3, 0]);
    expect(new LeastRequest(views, 2, scripted(0, 0.5)).pick()).toBe(views[2]);
    expect(new LeastRequest(views, 2, scripted(0.25, 0.5)).pick()).toBe(views[1]);
  });

  it('takes the first of two choices that are equally loaded', () => {
    const views = loaded([1, 1]);
    expect(new LeastRequest(views, 2, scripted(0.5, 0)).pick()).toBe(views[1]);
  });

  it('never takes the more loaded of its two choices', () => {
    const loads = fc.array(fc.nat(20), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(loads, fc.integer(), (list, seed) => {
        const views = loaded(list);
        const picks = new LeastRequest(views, 2, seededRandom(seed));
        const replay = seededRandom(seed);
        for (let i = 0; i < 20; i += 1) {
          const choices = [replay(), replay()].map((value) => views[Math.floor(value * views.length)]!);
          const pick = picks.pick()!;
          expect(choices).toContain(pick);
          expect(pick.state.inFlight).toBe(Math.min(...choices.map((choice) => choice.state.inFlight)));
        }
      }),
    );
  });

  it('compares as many choices as it is told', () => {
    const views = loaded([5, 1, 3, 0]);
    expect(new LeastRequest(views, 4, scripted(0, 0.25, 0.5, 0.75)).pick()).toBe(views[3]);
  });

  it('draws as often as it is told where there are fewer endpoints', () => {
    const views = loaded([2, 1]);
    expect(new LeastRequest(views, 5, scripted(0, 0, 0, 0, 0.5)).pick()).toBe(views[1]);
  });

  it('sees the load of the moment, not of its making', () => {
    const views = loaded([0, 0]);
    const balancer = new LeastRequest(views, 2, scripted(0, 0.5, 0, 0.5));
    expect(balancer.pick()).toBe(views[0]);
    views[0]!.state.inFlight = 1;
    expect(balancer.pick()).toBe(views[1]);
  });

  it('scans on from a choice that is removed', () => {
    const views = loaded([0, 9, 3]);
    views[0]!.state.removed = true;
    expect(new LeastRequest(views, 2, scripted(0, 0)).pick()).toBe(views[1]);
    views[2]!.state.removed = true;
    expect(new LeastRequest(views, 2, scripted(0.9, 0.9)).pick()).toBe(views[1]);
  });

  it('finds nothing among no endpoints, or when all are removed', () => {
    expect(new LeastRequest([], 2, () => 0).pick()).toBeUndefined();
    const views = loaded([0, 0]);
    for (const view of views) view.state.removed = true;
    expect(new LeastRequest(views, 2, () => 0).pick()).toBeUndefined();
  });
});

describe('WeightedLeastRequest', () => {
  it('keeps to the weights while nothing is under way', () => {
    const views = testEndpointViews([{ weight: 9 }, { weight: 1 }]);
    const balancer = new WeightedLeastRequest(views, seededRandom(1));
    const counts = [0, 0];
    for (let i = 0; i < 100; i += 1) counts[views.indexOf(balancer.pick()!)]! += 1;
    expect(counts).toEqual([90, 10]);
  });

  it('gives each endpoint its share by weight / (active + 1) ^ bias, whatever these are', () => {
    const endpoint = fc.record({ weight: fc.integer({ min: 1, max: 9 }), inFlight: fc.nat(4) });
    const endpoints = fc.array(endpoint, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(endpoints, fc.constantFrom(0, 0.5, 1, 2), fc.integer(), (list, bias, seed) => {
        const views = testEndpointViews(list.map(({ weight }) => ({ weight })));
        for (const [index, { inFlight }] of list.entries()) views[index]!.state.inFlight = inFlight;
        const balancer = new WeightedLeastRequest(views, seededRandom(seed), bias);
        const rates = list.map(({ weight, inFlight }) => weight / (inFlight + 1) ** bias);
        const total = rates.reduce((a, b) => a + b, 0);
        const counts = views.map(() => 0);
        for (let i = 0; i < 500; i += 1) counts[views.indexOf(balancer.pick()!)]! += 1;
        // No run of picks strays from the shares by more than a turn of each endpoint.
        for (const [index, rate] of rates.entries())
          expect(Math.abs(counts[index]! - (500 * rate) / total)).toBeLessThanOrEqual(list.length);
      }),
      { numRuns: 50 },
    );
  });

  it('divides the weight of an endpoint by its active requests and one', () => {
    const views = testEndpointViews([{ weight: 2 }, { weight: 1 }]);
    views[0]!.state.inFlight = 3;
    const balancer = new WeightedLeastRequest(views, () => 0);
    const counts = [0, 0];
    // 2 / (3 + 1) against 1 / (0 + 1): one to two.
    for (let i = 0; i < 30; i += 1) counts[views.indexOf(balancer.pick()!)]! += 1;
    expect(counts).toEqual([10, 20]);
  });

  it('bends the division by the bias, and leaves it out at zero', () => {
    const views = testEndpointViews([{ weight: 2 }, { weight: 1 }]);
    views[0]!.state.inFlight = 3;
    const count = (bias: number, picks: number) => {
      const balancer = new WeightedLeastRequest(views, () => 0, bias);
      const counts = [0, 0];
      for (let i = 0; i < picks; i += 1) counts[views.indexOf(balancer.pick()!)]! += 1;
      return counts;
    };
    expect(count(0, 30)).toEqual([20, 10]);
    expect(count(0.5, 30)).toEqual([15, 15]); // 2 / 4 ^ 0.5 against 1
    expect(count(2, 45)).toEqual([5, 40]); // 2 / 4 ^ 2 against 1
  });

  it('finds nothing when all are removed', () => {
    const views = testEndpointViews([{ weight: 2 }, { weight: 1 }]);
    for (const view of views) view.state.removed = true;
    expect(new WeightedLeastRequest(views, () => 0.5).pick()).toBeUndefined();
  });
});
