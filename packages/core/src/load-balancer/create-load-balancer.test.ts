import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HealthStatus, LoadBalancerPolicy } from '../model/cluster.js';
import { seededRandom, testCall, testEndpointViews } from '../testing/index.js';
import { createLoadBalancer } from './create-load-balancer.js';
import { LeastRequest, WeightedLeastRequest } from './least-request.js';
import { RandomChoice } from './random.js';
import { RoundRobin, WeightedRoundRobin } from './round-robin.js';

const policies: readonly LoadBalancerPolicy[] = [
  { kind: 'roundRobin' },
  { kind: 'leastRequest', choices: 2 },
  { kind: 'random' },
];

describe('createLoadBalancer', () => {
  it('takes the plain path where weights are equal, and the schedule where they differ', () => {
    const equal = testEndpointViews([{ weight: 7 }, { weight: 7 }]);
    const unequal = testEndpointViews([{ weight: 7 }, { weight: 8 }]);
    const make = (policy: LoadBalancerPolicy, views: typeof equal) => createLoadBalancer(policy, views, () => 0);
    expect(make({ kind: 'roundRobin' }, equal)).toBeInstanceOf(RoundRobin);
    expect(make({ kind: 'roundRobin' }, unequal)).toBeInstanceOf(WeightedRoundRobin);
    expect(make({ kind: 'leastRequest', choices: 2 }, equal)).toBeInstanceOf(LeastRequest);
    expect(make({ kind: 'leastRequest', choices: 2 }, unequal)).toBeInstanceOf(WeightedLeastRequest);
    expect(make({ kind: 'random' }, unequal)).toBeInstanceOf(RandomChoice);
  });

  it('looks at the weights of healthy endpoints only', () => {
    const views = testEndpointViews([{}, {}, { weight: 9, health: 'draining' }]);
    expect(createLoadBalancer({ kind: 'roundRobin' }, views, () => 0)).toBeInstanceOf(RoundRobin);
  });

  it.each(policies)('$kind picks a healthy endpoint that is not removed, or nothing when there is none', (policy) => {
    const endpoint = fc.record({
      health: fc.constantFrom<HealthStatus>('healthy', 'unhealthy', 'draining'),
      weight: fc.integer({ min: 1, max: 3 }),
      removed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(endpoint, { maxLength: 8 }), fc.integer(), (endpoints, seed) => {
        const views = testEndpointViews(endpoints.map(({ health, weight }) => ({ health, weight })));
        const balancer = createLoadBalancer(policy, views, seededRandom(seed));
        for (const [index, { removed }] of endpoints.entries()) views[index]!.state.removed = removed;
        const eligible = views.filter((view) => view.endpoint.health === 'healthy' && !view.state.removed);
        for (let i = 0; i < 10; i += 1) {
          const pick = balancer.pick(testCall());
          if (eligible.length === 0) expect(pick).toBeUndefined();
          else expect(eligible).toContain(pick);
        }
      }),
    );
  });

  it('chooses evenly at random', () => {
    const views = testEndpointViews([{}, {}, {}, {}]);
    const balancer = createLoadBalancer({ kind: 'random' }, views, seededRandom(5));
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i += 1) counts[views.indexOf(balancer.pick(testCall())!)]! += 1;
    for (const count of counts) expect(count / 20_000).toBeCloseTo(0.25, 1);
  });
});
