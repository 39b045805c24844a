import { create, type DescMessage } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  Cluster_LbPolicy,
  LeastRequestSchema,
  type LoadBalancingPolicy,
  LoadBalancingPolicySchema,
  RandomSchema,
  RoundRobinSchema,
} from '@inmesh/xds/messages';
import type { TrafficPolicy } from '../schema/destination-rule.js';

type LoadBalancer = NonNullable<TrafficPolicy['loadBalancer']>;

/** Round robin is what every client knows; the others stand before it in a list of which each takes the first it knows. */
const roundRobin = { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN };
const leastRequest = { ...roundRobin, loadBalancingPolicy: preferred('least_request', LeastRequestSchema) };
const random = { ...roundRobin, loadBalancingPolicy: preferred('random', RandomSchema) };

/** Unset is LEAST_REQUEST (Istio destination_rule.proto). gRPC for Node refuses it in `lb_policy`, where it would be simpler. */
export function loadBalancerFields(loadBalancer: LoadBalancer | undefined): {
  lbPolicy: Cluster_LbPolicy;
  loadBalancingPolicy?: LoadBalancingPolicy;
} {
  if (loadBalancer !== undefined && 'consistentHash' in loadBalancer) return roundRobin;
  switch (loadBalancer?.simple) {
    case 'ROUND_ROBIN':
      return roundRobin;
    case 'RANDOM':
      return random;
    default:
      return leastRequest;
  }
}

function preferred(name: string, schema: DescMessage): LoadBalancingPolicy {
  return create(LoadBalancingPolicySchema, {
    policies: [entry(name, schema), entry('round_robin', RoundRobinSchema)],
  });
}

function entry(name: string, schema: DescMessage) {
  const typedConfig = anyPack(schema, create(schema));
  return { typedExtensionConfig: { name: `envoy.load_balancing_policies.${name}`, typedConfig } };
}
