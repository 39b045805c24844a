import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  ClientSideWeightedRoundRobinSchema,
  ClusterProvidedSchema,
  LeastRequestSchema,
  type LoadBalancingPolicy,
  type LocalityLbConfig,
  MaglevSchema,
  RandomSchema,
  RingHash_HashFunction,
  RingHashSchema,
  RoundRobinSchema,
  SubsetSchema,
  WrrLocalitySchema,
} from '../messages.js';
import type { LoadBalancing } from './decode-load-balancer.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { leastRequest, maglev, ringHash, roundRobin } from './load-balancer-policies.js';
import { anyIs, unpackAny } from './unpack-any.js';

interface PolicyType {
  readonly schema: DescMessage;
  decode(config: Any, at: FieldScope): LoadBalancing | undefined;
}

/** The first policy that is known (gRFC A52); undefined when none is. */
export function decodePolicyList({ policies }: LoadBalancingPolicy, at: FieldScope): LoadBalancing | undefined {
  for (const [index, { typedExtensionConfig }] of policies.entries()) {
    const config = typedExtensionConfig?.typedConfig;
    const type = config && policyTypes.find(({ schema }) => anyIs(config, schema));
    const scope = at.field(`policies[${index}].typed_extension_config.typed_config`);
    const chosen = config && type?.decode(config, scope);
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}

const fallback: LoadBalancing = { loadBalancer: { kind: 'roundRobin' }, localityWeighted: false };

const policyTypes: readonly PolicyType[] = [
  policyType(RoundRobinSchema, (message, at) => ({
    loadBalancer: roundRobin(message, at),
    localityWeighted: isLocalityWeighted(message.localityLbConfig, at),
  })),
  policyType(LeastRequestSchema, (message, at) => ({
    loadBalancer: leastRequest(message, at),
    localityWeighted: isLocalityWeighted(message.localityLbConfig, at),
  })),
  policyType(RandomSchema, (message, at) => ({
    loadBalancer: { kind: 'random' },
    localityWeighted: isLocalityWeighted(message.localityLbConfig, at),
  })),
  policyType(RingHashSchema, (message, at) => {
    if (message.hashFunction === RingHash_HashFunction.MURMUR_HASH_2) {
      at.field('hash_function').error('MURMUR_HASH_2 is not supported, only XX_HASH is');
    }
    reportConsistentHashing(message, at);
    return { loadBalancer: ringHash(message, at), localityWeighted: message.localityWeightedLbConfig !== undefined };
  }),
  policyType(MaglevSchema, (message, at) => {
    reportConsistentHashing(message, at);
    return {
      loadBalancer: maglev(message.tableSize, at),
      localityWeighted: message.localityWeightedLbConfig !== undefined,
    };
  }),
  policyType(WrrLocalitySchema, ({ endpointPickingPolicy: child }, at) => {
    const chosen = child && decodePolicyList(child, at.field('endpoint_picking_policy'));
    return chosen && { ...chosen, localityWeighted: true };
  }),
  policyType(SubsetSchema, ({ subsetLbPolicy: child }, at) => {
    const chosen = child && decodePolicyList(child, at.field('subset_lb_policy'));
    if (chosen !== undefined) at.warn('subsets are not supported: requests go to all endpoints');
    return chosen;
  }),
  policyType(ClientSideWeightedRoundRobinSchema, (_, at) => {
    at.warn('endpoints do not report their load: round robin by their weights is used');
    return fallback;
  }),
  policyType(ClusterProvidedSchema, () => fallback),
];

function policyType<Desc extends DescMessage>(
  schema: Desc,
  decode: (message: MessageShape<Desc>, at: FieldScope) => LoadBalancing | undefined,
): PolicyType {
  return {
    schema,
    decode: (config, at) => {
      const message = unpackAny(config, schema, at);
      // Malformed bytes are an error already: the policy that is returned is never used.
      if (message === undefined) return fallback;
      reportUnsupported(message, at);
      return decode(message, at);
    },
  };
}

function isLocalityWeighted(config: LocalityLbConfig | undefined, at: FieldScope): boolean {
  if (config === undefined) return false;
  reportUnsupported(config, at.field('locality_lb_config'));
  return config.localityConfigSpecifier.case === 'localityWeightedLbConfig';
}

function reportConsistentHashing(
  { consistentHashingLbConfig: config }: Pick<MessageShape<typeof MaglevSchema>, 'consistentHashingLbConfig'>,
  at: FieldScope,
): void {
  if (config !== undefined) reportUnsupported(config, at.field('consistent_hashing_lb_config'));
}
