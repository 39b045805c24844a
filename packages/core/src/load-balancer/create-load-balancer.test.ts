import { describe, expect, it } from 'vitest';
import { FakeClock, seededRandom, testCall, testEndpointViews } from '../testing/index.js';
import { createLoadBalancer, type UnkeyedPolicy } from './create-load-balancer.js';
import { LeastRequest, WeightedLeastRequest } from './least-request.js';
import { RandomChoice } from './random.js';
import { RoundRobin, WeightedRoundRobin } from './round-robin.js';

const tools = { clock: new FakeClock(), random: () => 0 };

describe('createLoadBalancer', () => {
  it('takes the plain path where weights are equal, and the schedule where they differ', () => {
    const equal = testEndpointViews([{ weight: 7 }, { weight: 7 }]);
    const unequal = testEndpointViews([{ weight: 7 }, { weight: 8 }]);
    const make = (policy: UnkeyedPolicy, views: typeof equal) => createLoadBalancer(policy, views, tools);
    expect(make({ kind: 'roundRobin' }, equal)).toBeInstanceOf(RoundRobin);
    expect(make({ kind: 'roundRobin' }, unequal)).toBeInstanceOf(WeightedRoundRobin);
    expect(make({ kind: 'leastRequest', choices: 2 }, equal)).toBeInstanceOf(LeastRequest);
    expect(make({ kind: 'leastRequest', choices: 2 }, unequal)).toBeInstanceOf(WeightedLeastRequest);
    expect(make({ kind: 'random' }, unequal)).toBeInstanceOf(RandomChoice);
  });

  it('schedules by weight while an endpoint is new, in clusters with slow start alone', () => {
    const slowStart = { windowMs: 1000, aggression: 1, minWeightPercent: 10 };
    const views = testEndpointViews([{}, {}]);
    const clock = new FakeClock(999);
    const make = (policy: UnkeyedPolicy) => createLoadBalancer(policy, views, { clock, random: () => 0 });
    expect(make({ kind: 'roundRobin', slowStart })).toBeInstanceOf(WeightedRoundRobin);
    expect(make({ kind: 'leastRequest', choices: 2, slowStart })).toBeInstanceOf(WeightedLeastRequest);
    expect(make({ kind: 'roundRobin' })).toBeInstanceOf(RoundRobin);
    clock.advance(1);
    expect(make({ kind: 'roundRobin', slowStart })).toBeInstanceOf(RoundRobin);
  });

  it('chooses evenly at random', () => {
    const views = testEndpointViews([{}, {}, {}, {}]);
    const balancer = createLoadBalancer({ kind: 'random' }, views, { ...tools, random: seededRandom(5) });
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i += 1) counts[views.indexOf(balancer.pick(testCall())!)]! += 1;
    for (const count of counts) expect(count / 20_000).toBeCloseTo(0.25, 1);
  });
});
