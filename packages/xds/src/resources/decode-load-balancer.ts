import type { LoadBalancerPolicy } from '@inmesh/core';
import { type Cluster, Cluster_LbPolicy, Cluster_RingHashLbConfig_HashFunction as HashFunction } from '../messages.js';
import { decodePolicyList } from './decode-load-balancing-policy.js';
import type { FieldScope } from './field-scope.js';
import { leastRequest, maglev, ringHash, roundRobin } from './load-balancer-policies.js';

export interface LoadBalancing {
  readonly loadBalancer: LoadBalancerPolicy;
  readonly localityWeighted: boolean;
}

/**
 * The first entry of `load_balancing_policy` that is known here, else `lb_policy`; what neither can say is round robin.
 * Beside a list, what `common_lb_config` says of localities does not count (cluster.proto).
 */
export function decodeLoadBalancing(message: Cluster, at: FieldScope): LoadBalancing {
  const { loadBalancingPolicy } = message;
  if (loadBalancingPolicy !== undefined) {
    const scope = at.field('load_balancing_policy');
    const chosen = decodePolicyList(loadBalancingPolicy, scope);
    if (chosen !== undefined) return chosen;
    scope.warn('no policy of the list is supported: lb_policy is used');
  }
  return {
    loadBalancer: decodeLbPolicy(message, at),
    localityWeighted: message.commonLbConfig?.localityConfigSpecifier.case === 'localityWeightedLbConfig',
  };
}

function decodeLbPolicy({ lbPolicy, lbConfig }: Cluster, at: FieldScope): LoadBalancerPolicy {
  switch (lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN: {
      const config = lbConfig.case === 'roundRobinLbConfig' ? lbConfig.value : undefined;
      return roundRobin(config, at.field('round_robin_lb_config'));
    }
    case Cluster_LbPolicy.RANDOM:
      return { kind: 'random' };
    case Cluster_LbPolicy.LEAST_REQUEST: {
      const config = lbConfig.case === 'leastRequestLbConfig' ? lbConfig.value : undefined;
      return leastRequest(config, at.field('least_request_lb_config'));
    }
    case Cluster_LbPolicy.RING_HASH:
      return decodeRingHash(lbConfig, at.field('ring_hash_lb_config'));
    case Cluster_LbPolicy.MAGLEV: {
      const config = lbConfig.case === 'maglevLbConfig' ? lbConfig.value : undefined;
      return maglev(config?.tableSize, at.field('maglev_lb_config'));
    }
    case Cluster_LbPolicy.CLUSTER_PROVIDED:
      // The cluster brings one endpoint for each name that is dialled: there is nothing to choose from.
      return { kind: 'roundRobin' };
    default:
      at.field('lb_policy').warn(`${Cluster_LbPolicy[lbPolicy] ?? lbPolicy} is not supported: round robin is used`);
      return { kind: 'roundRobin' };
  }
}

function decodeRingHash(lbConfig: Cluster['lbConfig'], at: FieldScope): LoadBalancerPolicy {
  const config = lbConfig.case === 'ringHashLbConfig' ? lbConfig.value : undefined;
  if (config?.hashFunction === HashFunction.MURMUR_HASH_2) {
    at.field('hash_function').error('MURMUR_HASH_2 is not supported, only XX_HASH is');
  }
  return ringHash(config, at);
}
