import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import type { LoadBalancerPolicy } from '../model/cluster.js';
import { LeastRequest, WeightedLeastRequest } from './least-request.js';
import type { LoadBalancer } from './load-balancer.js';
import { RandomChoice } from './random.js';
import { RoundRobin, WeightedRoundRobin } from './round-robin.js';
import { weightsAreEqual } from './scan.js';

/**
 * Balances over the healthy ones of `endpoints`, which are those of the priority in use. Health belongs to a snapshot and
 * is read once, here; `state.removed` outlives it and is read at every pick.
 */
export function createLoadBalancer(
  policy: LoadBalancerPolicy,
  endpoints: readonly EndpointView[],
  random: Random,
): LoadBalancer {
  const healthy = endpoints.filter((view) => view.endpoint.health === 'healthy');
  const weighted = !weightsAreEqual(healthy);
  switch (policy.kind) {
    case 'roundRobin':
    case 'ringHash':
    case 'maglev':
      return weighted ? new WeightedRoundRobin(healthy, random) : new RoundRobin(healthy, random);
    case 'leastRequest':
      return weighted ? new WeightedLeastRequest(healthy, random) : new LeastRequest(healthy, policy.choices, random);
    case 'random':
      return new RandomChoice(healthy, random);
  }
}
