import type { Clock, Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import type { LoadBalancerPolicy, SlowStart } from '../model/cluster.js';
import type { Hash64 } from './hash64.js';
import type { HostWeight } from './host-weights.js';
import { type HashTable, KeyedChoice } from './keyed-choice.js';
import { LeastRequest, WeightedLeastRequest } from './least-request.js';
import type { LoadBalancer } from './load-balancer.js';
import { Maglev } from './maglev.js';
import { RandomChoice } from './random.js';
import { RingHash } from './ring-hash.js';
import { RoundRobin, WeightedRoundRobin } from './round-robin.js';
import { weightsAreEqual } from './scan.js';
import { SlowStartFactor } from './slow-start.js';

/** What balancers need from outside. */
export interface BalancerTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly hash64: Hash64;
}

export type KeyedPolicy = Extract<LoadBalancerPolicy, { kind: 'ringHash' | 'maglev' }>;
export type UnkeyedPolicy = Exclude<LoadBalancerPolicy, KeyedPolicy>;

/** Whether the policy looks at the key of a call. */
export function isKeyed(policy: LoadBalancerPolicy): policy is KeyedPolicy {
  return policy.kind === 'ringHash' || policy.kind === 'maglev';
}

/** Balances over all of `endpoints`; `state.removed` outlives a snapshot and is read at every pick. */
export function createLoadBalancer(
  policy: UnkeyedPolicy,
  endpoints: readonly EndpointView[],
  { clock, random }: Pick<BalancerTools, 'clock' | 'random'>,
): LoadBalancer {
  if (policy.kind === 'random') return new RandomChoice(endpoints, random);
  const slowStart = slowStartOf(policy.slowStart, endpoints, clock);
  const weighted = slowStart !== undefined || !weightsAreEqual(endpoints);
  if (policy.kind === 'roundRobin') {
    return weighted ? new WeightedRoundRobin(endpoints, random, slowStart) : new RoundRobin(endpoints, random);
  }
  return weighted
    ? new WeightedLeastRequest(endpoints, random, policy.activeRequestBias, slowStart)
    : new LeastRequest(endpoints, policy.choices, random);
}

export function createKeyedBalancer(
  policy: KeyedPolicy,
  hosts: readonly HostWeight[],
  { random, hash64 }: Pick<BalancerTools, 'random' | 'hash64'>,
): LoadBalancer {
  const table: HashTable =
    policy.kind === 'maglev' ? new Maglev(hosts, policy.tableSize, hash64) : new RingHash(hosts, policy, hash64);
  return new KeyedChoice(table, random);
}

/** Undefined where no endpoint is new: the plain balancers then do. */
function slowStartOf(
  settings: SlowStart | undefined,
  endpoints: readonly EndpointView[],
  clock: Clock,
): SlowStartFactor | undefined {
  if (settings === undefined) return undefined;
  const factor = new SlowStartFactor(settings, clock);
  return factor.appliesTo(endpoints) ? factor : undefined;
}
