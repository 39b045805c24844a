import { create, type DescMessage } from '@bufbuild/protobuf';
import { anyIs } from '@bufbuild/protobuf/wkt';
import {
  type Cluster,
  Cluster_LbPolicy,
  Cluster_RingHashLbConfig_HashFunction,
  Cluster_RingHashLbConfigSchema,
  LeastRequestSchema,
  type LoadBalancingPolicy,
  MaglevSchema,
  RingHashSchema,
  RoundRobinSchema,
} from '@inmesh/xds/messages';

/** Of a ring; gRPC refuses a cluster with more. */
const mostEntries = 8_388_608n;

/**
 * gRPC for Node knows two balancers by `lb_policy`, and of a list only round robin. So a ring, which stands for Maglev too, is
 * said by the one, and so is round robin where localities are weighed, which a list cannot say to it. A list of least
 * requests and round robin stays, since gRPC for Go knows the first.
 */
export function asGrpcBalancer(cluster: Cluster): Cluster {
  if (isHashed(cluster)) return asRing(cluster);
  if (
    !weighsLocalities(cluster) &&
    cluster.loadBalancingPolicy !== undefined &&
    isUnderstood(cluster.loadBalancingPolicy)
  )
    return cluster;
  return asRoundRobin(cluster);
}

/** Whether the shares of localities are given. */
export function weighsLocalities({ commonLbConfig }: Cluster): boolean {
  return commonLbConfig?.localityConfigSpecifier.case === 'localityWeightedLbConfig';
}

function isHashed({ loadBalancingPolicy, lbPolicy }: Cluster): boolean {
  if (loadBalancingPolicy === undefined) {
    return lbPolicy === Cluster_LbPolicy.RING_HASH || lbPolicy === Cluster_LbPolicy.MAGLEV;
  }
  return knows(loadBalancingPolicy.policies[0], MaglevSchema) || knows(loadBalancingPolicy.policies[0], RingHashSchema);
}

type Policy = LoadBalancingPolicy['policies'][number] | undefined;

function knows(policy: Policy, schema: DescMessage): boolean {
  const config = policy?.typedExtensionConfig?.typedConfig;
  return config !== undefined && anyIs(config, schema);
}

/** Least requests before anything, with round robin for who does not know it. */
function isUnderstood({ policies }: LoadBalancingPolicy): boolean {
  return knows(policies[0], LeastRequestSchema) && policies.some((policy) => knows(policy, RoundRobinSchema));
}

function asRing(cluster: Cluster): Cluster {
  const given = cluster.lbConfig.case === 'ringHashLbConfig' ? cluster.lbConfig.value : undefined;
  const isPlain = cluster.loadBalancingPolicy === undefined && cluster.lbPolicy === Cluster_LbPolicy.RING_HASH;
  const { minimumRingSize, maximumRingSize } = given ?? {};
  const isSmall = [minimumRingSize, maximumRingSize].every((size) => size === undefined || size <= mostEntries);
  const isXx = given?.hashFunction !== Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2;
  if (isPlain && isSmall && isXx) return cluster;
  const { loadBalancingPolicy: _, ...rest } = cluster;
  const value = create(Cluster_RingHashLbConfigSchema, {
    ...(minimumRingSize !== undefined && { minimumRingSize: smaller(minimumRingSize) }),
    ...(maximumRingSize !== undefined && { maximumRingSize: smaller(maximumRingSize) }),
  });
  return { ...rest, lbPolicy: Cluster_LbPolicy.RING_HASH, lbConfig: { case: 'ringHashLbConfig', value } };
}

function smaller(size: bigint): bigint {
  return size > mostEntries ? mostEntries : size;
}

function asRoundRobin(cluster: Cluster): Cluster {
  const { loadBalancingPolicy, ...rest } = cluster;
  if (loadBalancingPolicy === undefined && cluster.lbPolicy === Cluster_LbPolicy.ROUND_ROBIN) return cluster;
  return { ...rest, lbPolicy: Cluster_LbPolicy.ROUND_ROBIN, lbConfig: { case: undefined } };
}
