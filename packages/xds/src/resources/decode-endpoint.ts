import { isIP } from 'node:net';
import type { ClusterLoadAssignment as AssignmentModel, Endpoint, HealthStatus, LocalityEndpoints } from '@inmesh/core';
import {
  type ClusterLoadAssignment,
  type LbEndpoint,
  type LocalityLbEndpoints,
  HealthStatus as WireHealth,
} from '../messages.js';
import type { DecodeResult } from './decode-result.js';
import { deepFreeze } from './deep-freeze.js';
import { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { takesMeshTls, workloadOf } from './istio-metadata.js';
import { endpointsOf, socketAddressOf } from './lb-endpoints.js';

const maxTotalWeight = 0xffff_ffff;

/** Reads the endpoints of a cluster by locality and priority (Envoy endpoint.proto; gRFC A27 for what is refused). */
export function decodeClusterLoadAssignment(message: ClusterLoadAssignment): DecodeResult<AssignmentModel> {
  return FieldScope.collect((at) => {
    if (message.clusterName === '') at.field('cluster_name').error('must not be empty');
    return deepFreeze(decodeAssignment(message, message.clusterName, at));
  });
}

export function decodeAssignment(message: ClusterLoadAssignment, clusterName: string, at: FieldScope): AssignmentModel {
  reportUnsupported(message, at);
  const overprovisioningFactorPercent = decodeOverprovisioning(message, at.field('policy'));
  return {
    clusterName,
    localities: decodeLocalities(message, at),
    ...(overprovisioningFactorPercent !== undefined && { overprovisioningFactorPercent }),
  };
}

function decodeOverprovisioning({ policy }: ClusterLoadAssignment, at: FieldScope): number | undefined {
  if (policy === undefined) return undefined;
  reportUnsupported(policy, at);
  if (policy.overprovisioningFactor === 0) at.field('overprovisioning_factor').error('must be more than zero');
  return policy.overprovisioningFactor;
}

function decodeLocalities(message: ClusterLoadAssignment, at: FieldScope): LocalityEndpoints[] {
  const addresses = new Set<string>();
  // As soon as one locality has a weight, those without one have none, and get nothing where the weights count.
  const weighted = message.endpoints.some(({ loadBalancingWeight }) => (loadBalancingWeight ?? 0) > 0);
  const localities = at.each('endpoints', message.endpoints, (locality, scope) => ({
    ...decodeLocality(locality, addresses, scope),
    weight: weighted ? (locality.loadBalancingWeight ?? 0) : 1,
  }));
  checkPriorities(localities, at.field('endpoints'));
  return localities;
}

function decodeLocality(
  message: LocalityLbEndpoints,
  addresses: Set<string>,
  at: FieldScope,
): Omit<LocalityEndpoints, 'weight'> {
  reportUnsupported(message, at);
  const { name, items } = endpointsOf(message);
  const endpoints = at.each(name, items, (endpoint, scope) => decodeEndpoint(endpoint, addresses, scope));
  if (sumOfWeights(endpoints) > maxTotalWeight) at.field(name).error(`weights sum to more than ${maxTotalWeight}`);
  return {
    region: message.locality?.region ?? '',
    zone: message.locality?.zone ?? '',
    subZone: message.locality?.subZone ?? '',
    priority: message.priority,
    endpoints,
  };
}

function decodeEndpoint(message: LbEndpoint, addresses: Set<string>, at: FieldScope): Endpoint | undefined {
  if (message.loadBalancingWeight === 0) at.field('load_balancing_weight').error('must be at least 1');
  const socket = socketAddressOf(message, at);
  if (socket === undefined) return undefined;
  const scope = at.field('endpoint.address.socket_address.address');
  const version = isIP(socket.host);
  if (version === 0) scope.error(`"${socket.host}" is not an IP address`);
  const address = version === 6 ? `[${socket.host}]:${socket.port}` : `${socket.host}:${socket.port}`;
  if (addresses.has(address)) scope.error(`${address} is used twice`);
  addresses.add(address);
  const hostname = message.hostIdentifier.case === 'endpoint' ? message.hostIdentifier.value.hostname : '';
  return {
    ...(hostname !== '' && { hostname }),
    address,
    host: socket.host,
    port: socket.port,
    health: healthOf(message.healthStatus),
    weight: message.loadBalancingWeight ?? 1,
    workload: workloadOf(message.metadata),
    meshTls: takesMeshTls(message.metadata),
  };
}

function healthOf(status: WireHealth): HealthStatus {
  if (status === WireHealth.UNKNOWN || status === WireHealth.HEALTHY) return 'healthy';
  return status === WireHealth.DRAINING ? 'draining' : 'unhealthy';
}

/** Priorities count up from 0 without gaps, and the weights of one priority fit into 32 bits (gRFC A27). */
function checkPriorities(localities: readonly LocalityEndpoints[], at: FieldScope): void {
  const weights = new Map<number, number>();
  for (const { priority, weight } of localities) weights.set(priority, (weights.get(priority) ?? 0) + weight);
  for (let priority = 0; priority < weights.size; priority += 1) {
    const sum = weights.get(priority);
    if (sum === undefined) at.error(`no locality has priority ${priority}, but a lower one is used`);
    else if (sum > maxTotalWeight) at.error(`weights of priority ${priority} sum to more than ${maxTotalWeight}`);
  }
}

function sumOfWeights(endpoints: readonly Endpoint[]): number {
  return endpoints.reduce((sum, { weight }) => sum + weight, 0);
}
