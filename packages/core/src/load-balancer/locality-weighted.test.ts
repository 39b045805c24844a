import { describe, expect, it } from 'vitest';
import { testCall, testEndpointView } from '../testing/index.js';
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

  it('goes to another locality when all of one were removed, and finds nothing when all were', () => {
    near.state.removed = true;
    const picks = balancer();
    for (let i = 0; i < 10; i += 1) expect(picks.pick(testCall())).toBe(far);
    far.state.removed = true;
    expect(picks.pick(testCall())).toBeUndefined();
    expect(new LocalityWeighted([], () => 0).pick(testCall())).toBeUndefined();
  });
});
