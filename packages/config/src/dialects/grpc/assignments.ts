import { create } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_LbPolicy,
  type ClusterLoadAssignment,
  type LbEndpoint,
  type Locality,
  type LocalityLbEndpoints,
  LocalitySchema,
} from '@inmesh/xds/messages';
import { isIpAddress } from '../../translate/ip-address.js';
import { addressOf } from './endpoints.js';
import { weighsLocalities } from './load-balancers.js';

/**
 * gRPC wants addresses and not names, each once; localities with a weight, each once in its priority; and priorities without a
 * gap. What it cannot take is left out, the rest is put in order. The same object where there is nothing to do.
 */
export function asGrpcAssignment(assignment: ClusterLoadAssignment, cluster: Cluster): ClusterLoadAssignment {
  const seen = new Set<string>();
  const usable = assignment.endpoints.map((group) => asGrpcGroup(group, seen, cluster)).filter(isUsed);
  const endpoints = [...withoutGaps(mergeLocalities(usable))];
  const isSame =
    endpoints.length === assignment.endpoints.length &&
    endpoints.every((group, index) => group === assignment.endpoints[index]);
  return isSame ? assignment : { ...assignment, endpoints };
}

function isUsed({ lbEndpoints }: LocalityLbEndpoints): boolean {
  return lbEndpoints.length > 0;
}

function asGrpcGroup(group: LocalityLbEndpoints, seen: Set<string>, cluster: Cluster): LocalityLbEndpoints {
  const lbEndpoints = group.loadBalancingWeight === 0 ? [] : group.lbEndpoints.filter((one) => isUsable(one, seen));
  const loadBalancingWeight = weightOf({ ...group, lbEndpoints }, cluster);
  const isSame = lbEndpoints.length === group.lbEndpoints.length && loadBalancingWeight === group.loadBalancingWeight;
  if (isSame && group.locality !== undefined) return group;
  return { ...group, locality: group.locality ?? create(LocalitySchema), lbEndpoints, loadBalancingWeight };
}

function isUsable(endpoint: LbEndpoint, seen: Set<string>): boolean {
  const address = addressOf(endpoint);
  if (address === undefined || endpoint.loadBalancingWeight === 0 || !isIpAddress(address.address)) return false;
  const key = `${address.address} ${address.portSpecifier.value}`;
  const size = seen.size;
  return seen.add(key).size > size;
}

/**
 * gRPC leaves out a locality without a weight, and a ring multiplies it with the weights of its endpoints (gRFC A42): there
 * it is 1, unless localities are what is weighed.
 */
function weightOf({ loadBalancingWeight, lbEndpoints }: LocalityLbEndpoints, cluster: Cluster): number {
  if (weighsLocalities(cluster)) return loadBalancingWeight ?? 1;
  if (cluster.lbPolicy === Cluster_LbPolicy.RING_HASH) return 1;
  return loadBalancingWeight ?? lbEndpoints.reduce((sum, endpoint) => sum + (endpoint.loadBalancingWeight ?? 1), 0);
}

function mergeLocalities(groups: readonly LocalityLbEndpoints[]): readonly LocalityLbEndpoints[] {
  const merged = new Map<string, LocalityLbEndpoints>();
  for (const group of groups) {
    const key = `${group.priority} ${keyOf(group.locality)}`;
    const known = merged.get(key);
    merged.set(key, known === undefined ? group : joined(known, group));
  }
  return [...merged.values()];
}

function joined(first: LocalityLbEndpoints, second: LocalityLbEndpoints): LocalityLbEndpoints {
  const loadBalancingWeight = (first.loadBalancingWeight ?? 0) + (second.loadBalancingWeight ?? 0);
  return { ...first, lbEndpoints: [...first.lbEndpoints, ...second.lbEndpoints], loadBalancingWeight };
}

function keyOf({ region = '', zone = '', subZone = '' }: Partial<Locality> = {}): string {
  return JSON.stringify([region, zone, subZone]);
}

function withoutGaps(groups: readonly LocalityLbEndpoints[]): readonly LocalityLbEndpoints[] {
  const priorities = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
  return groups.map((group) => {
    const priority = priorities.indexOf(group.priority);
    return priority === group.priority ? group : { ...group, priority };
  });
}
