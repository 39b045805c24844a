import type { ClusterDiscovery, DnsHost } from '@inmesh/core';
import {
  type Cluster,
  type Cluster_CustomClusterType,
  Cluster_DiscoveryType,
  type ClusterLoadAssignment,
  type LbEndpoint,
  type LocalityLbEndpoints,
} from '../messages.js';
import { checkConfigSource } from './config-source.js';
import { decodeAssignment } from './decode-endpoint.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { endpointsOf, socketAddressOf } from './lb-endpoints.js';

export function decodeDiscovery(message: Cluster, at: FieldScope): ClusterDiscovery | undefined {
  const { clusterDiscoveryType: type } = message;
  if (type.case === 'clusterType') return decodeCustom(type.value, at.field('cluster_type'));
  // Unset is the enum's zero (cluster.proto `type`).
  switch (type.value ?? Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.EDS:
      return decodeEds(message, at.field('eds_cluster_config'));
    case Cluster_DiscoveryType.STATIC:
      return decodeStatic(message, at.field('load_assignment'));
    case Cluster_DiscoveryType.STRICT_DNS:
      return { kind: 'dns', hosts: decodeHosts(message.loadAssignment, at.field('load_assignment')), logical: false };
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return decodeLogicalDns(message, at.field('load_assignment'));
    case Cluster_DiscoveryType.ORIGINAL_DST:
      return { kind: 'dialled' };
  }
  return at.field('type').error(`${type.value} is unknown`);
}

/** Endpoints that the caller names are the one kind of extension there is (Envoy dynamic_forward_proxy). */
function decodeCustom({ name, typedConfig }: Cluster_CustomClusterType, at: FieldScope): ClusterDiscovery | undefined {
  const isDialled = typedConfig
    ? typedConfig.typeUrl.endsWith('/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig')
    : name === 'envoy.clusters.dynamic_forward_proxy';
  return isDialled ? { kind: 'dialled' } : at.error(`"${name}" is not supported`);
}

function decodeEds({ edsClusterConfig: config, name }: Cluster, at: FieldScope): ClusterDiscovery {
  checkConfigSource(config?.edsConfig, at.field('eds_config'));
  const serviceName = config?.serviceName ?? '';
  return { kind: 'eds', serviceName: serviceName === '' ? name : serviceName };
}

function decodeStatic({ loadAssignment, name }: Cluster, at: FieldScope): ClusterDiscovery | undefined {
  if (loadAssignment === undefined) return at.error('is missing');
  return { kind: 'static', assignment: decodeAssignment(loadAssignment, name, at) };
}

/** All its endpoints stand behind one name (Envoy: «LOGICAL_DNS clusters must have a single locality_lb_endpoint»). */
function decodeLogicalDns({ loadAssignment }: Cluster, at: FieldScope): ClusterDiscovery {
  const hosts = decodeHosts(loadAssignment, at);
  if (loadAssignment !== undefined && hosts.length !== 1) at.error('must have exactly one endpoint');
  return { kind: 'dns', hosts, logical: true };
}

function decodeHosts(assignment: ClusterLoadAssignment | undefined, at: FieldScope): DnsHost[] {
  if (assignment === undefined) at.error('is missing');
  return at
    .each('endpoints', assignment?.endpoints ?? [], (locality, scope) => {
      reportUnsupported(locality, scope);
      const { name, items } = endpointsOf(locality);
      return scope.each(name, items, (endpoint, at) => decodeHost(endpoint, locality, at));
    })
    .flat();
}

function decodeHost(message: LbEndpoint, locality: LocalityLbEndpoints, at: FieldScope): DnsHost | undefined {
  const address = socketAddressOf(message, at);
  return address && { hostname: address.host.toLowerCase(), port: address.port, ...placeOf(message, locality) };
}

/** Left out where it says nothing. */
function placeOf({ loadBalancingWeight: weight = 1 }: LbEndpoint, group: LocalityLbEndpoints): Pick<DnsHost, 'place'> {
  const { region = '', zone = '', subZone = '' } = group.locality ?? {};
  const { priority, loadBalancingWeight: localityWeight = 1 } = group;
  const isPlain =
    region === '' && zone === '' && subZone === '' && priority === 0 && localityWeight === 1 && weight === 1;
  return isPlain ? {} : { place: { region, zone, subZone, priority, localityWeight, weight } };
}
