import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import {
  Cluster_LbPolicy,
  type ClusterSchema,
  LeastRequestSchema,
  LoadBalancingPolicySchema,
  MaglevSchema,
  RandomSchema,
  RingHash_HashFunction,
  RingHashSchema,
  RoundRobinSchema,
} from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { ConsistentHash, LoadBalancer } from '../schema/destination-rule.js';

type ClusterFields = Pick<
  Exclude<MessageInitShape<typeof ClusterSchema>, { $typeName: string }>,
  'lbPolicy' | 'lbConfig' | 'loadBalancingPolicy'
>;

const byRoundRobin = { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN };

/** Envoy's default, which Istio writes where a rule gives no size. */
const defaultRingSize = 1024;

/**
 * Unset is LEAST_REQUEST (Istio destination_rule.proto). Round robin and the ring are what every client knows; the others
 * stand before one of these in a list of which each takes the first it knows: gRPC for Node refuses them in `lb_policy`,
 * where they would be simpler.
 * @param localityWeighted beside a list, what `common_lb_config` says of localities does not count (Envoy cluster.proto)
 */
export function loadBalancerFields(loadBalancer: LoadBalancer | undefined, localityWeighted: boolean): ClusterFields {
  if (loadBalancer?.consistentHash !== undefined) return hashFields(loadBalancer.consistentHash, localityWeighted);
  const localities = localityWeighted ? { localityLbConfig: { localityConfigSpecifier: weightedLocalities } } : {};
  const slowStart = slowStartFields(loadBalancer);
  switch (loadBalancer?.simple) {
    case 'ROUND_ROBIN':
      return 'slowStartConfig' in slowStart
        ? { ...byRoundRobin, lbConfig: { case: 'roundRobinLbConfig', value: slowStart } }
        : byRoundRobin;
    case 'RANDOM':
      return preferred(typed('random', RandomSchema, localities), typed('round_robin', RoundRobinSchema, localities));
    default:
      return preferred(
        typed('least_request', LeastRequestSchema, { ...slowStart, ...localities }),
        typed('round_robin', RoundRobinSchema, { ...slowStart, ...localities }),
      );
  }
}

const weightedLocalities = { case: 'localityWeightedLbConfig', value: {} } as const;

/** A ring stands in for Maglev with a client that has none: keys keep their endpoints, though not the same ones. */
function hashFields({ maglev, ringHash, minimumRingSize }: ConsistentHash, localityWeighted: boolean): ClusterFields {
  const localities = localityWeighted ? { localityWeightedLbConfig: {} } : {};
  if (maglev !== undefined) {
    const { tableSize } = maglev;
    return preferred(
      typed('maglev', MaglevSchema, { ...(tableSize && { tableSize: BigInt(tableSize) }), ...localities }),
      typed('ring_hash', RingHashSchema, { hashFunction: RingHash_HashFunction.XX_HASH, ...localities }),
    );
  }
  const size = (ringHash === undefined ? minimumRingSize : ringHash.minimumRingSize) || defaultRingSize;
  return {
    lbPolicy: Cluster_LbPolicy.RING_HASH,
    lbConfig: { case: 'ringHashLbConfig', value: { minimumRingSize: BigInt(size) } },
  };
}

/** Envoy's defaults are Istio's: a tenth of the weight at least, growing evenly. */
function slowStartFields(loadBalancer: LoadBalancer | undefined) {
  const { warmup, warmupDurationSecs } = loadBalancer ?? {};
  const window = parseGoDuration(warmup?.duration ?? warmupDurationSecs ?? '');
  if (!window.ok) return {};
  const { aggression, minimumPercent } = warmup ?? {};
  return {
    slowStartConfig: {
      slowStartWindow: window.duration,
      ...(aggression !== undefined && {
        aggression: { defaultValue: aggression, runtimeKey: 'slow_start.aggression' },
      }),
      ...(minimumPercent !== undefined && { minWeightPercent: { value: minimumPercent } }),
    },
  };
}

interface TypedPolicy {
  readonly typedExtensionConfig: { readonly name: string; readonly typedConfig: Any };
}

function preferred(first: TypedPolicy, fallback: TypedPolicy): ClusterFields {
  const policies = [first, fallback];
  return { ...byRoundRobin, loadBalancingPolicy: create(LoadBalancingPolicySchema, { policies }) };
}

function typed<Desc extends DescMessage>(name: string, schema: Desc, init: MessageInitShape<Desc>): TypedPolicy {
  const typedConfig = anyPack(schema, create(schema, init));
  return { typedExtensionConfig: { name: `envoy.load_balancing_policies.${name}`, typedConfig } };
}
