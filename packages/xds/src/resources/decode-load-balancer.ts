import { type Any, anyIs } from '@bufbuild/protobuf/wkt';
import type { LoadBalancerPolicy } from '@inmesh/core';
import {
  type Cluster,
  Cluster_LbPolicy,
  LeastRequestSchema,
  type LoadBalancingPolicy,
  RandomSchema,
  RoundRobinSchema,
} from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { unpackAny } from './unpack-any.js';

/** Envoy's `choice_count` when unset. */
const defaultChoices = 2;

const roundRobin: LoadBalancerPolicy = { kind: 'roundRobin' };

/** The first entry of `load_balancing_policy` that is known here, else `lb_policy`; what neither can say is round robin. */
export function decodeLoadBalancer(message: Cluster, at: FieldScope): LoadBalancerPolicy {
  const { loadBalancingPolicy } = message;
  if (loadBalancingPolicy === undefined) return decodeLbPolicy(message, at.field('lb_policy'));
  const scope = at.field('load_balancing_policy');
  const chosen = firstKnown(loadBalancingPolicy, scope);
  if (chosen !== undefined) return chosen;
  scope.warn('no policy of the list is supported: lb_policy is used');
  return decodeLbPolicy(message, at.field('lb_policy'));
}

function firstKnown({ policies }: LoadBalancingPolicy, at: FieldScope): LoadBalancerPolicy | undefined {
  for (const [index, { typedExtensionConfig }] of policies.entries()) {
    const config = typedExtensionConfig?.typedConfig;
    const scope = at.field(`policies[${index}].typed_extension_config.typed_config`);
    const policy = config && decodeTypedPolicy(config, scope);
    if (policy !== undefined) return policy;
  }
  return undefined;
}

function decodeTypedPolicy(config: Any, at: FieldScope): LoadBalancerPolicy | undefined {
  if (anyIs(config, RoundRobinSchema)) return roundRobin;
  if (anyIs(config, RandomSchema)) return { kind: 'random' };
  if (!anyIs(config, LeastRequestSchema)) return undefined;
  const message = unpackAny(config, LeastRequestSchema, at);
  return leastRequest(message?.choiceCount, at.field('choice_count'));
}

function decodeLbPolicy(message: Cluster, at: FieldScope): LoadBalancerPolicy {
  switch (message.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      return roundRobin;
    case Cluster_LbPolicy.RANDOM:
      return { kind: 'random' };
    case Cluster_LbPolicy.LEAST_REQUEST: {
      const config = message.lbConfig.case === 'leastRequestLbConfig' ? message.lbConfig.value : undefined;
      return leastRequest(config?.choiceCount, at);
    }
    default:
      at.warn(`${Cluster_LbPolicy[message.lbPolicy] ?? message.lbPolicy} is not supported yet: round robin is used`);
      return roundRobin;
  }
}

function leastRequest(choiceCount: number | undefined, at: FieldScope): LoadBalancerPolicy {
  const choices = choiceCount ?? defaultChoices;
  if (choices < 2) at.error(`${choices} choices are less than two`);
  return { kind: 'leastRequest', choices };
}
