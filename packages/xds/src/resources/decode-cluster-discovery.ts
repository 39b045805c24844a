import type { ClusterDiscovery, DnsHost } from '@inmesh/core';
import { type Cluster, Cluster_DiscoveryType, type ClusterLoadAssignment, type LbEndpoint } from '../messages.js';
import { checkConfigSource } from './config-source.js';
import { decodeLocalities } from './decode-endpoint.js';
import type { FieldScope } from './field-scope.js';
import { endpointsOf, socketAddressOf } from './lb-endpoints.js';

export function decodeDiscovery(message: Cluster, at: FieldScope): ClusterDiscovery | undefined {
  const { clusterDiscoveryType: type } = message;
  if (type.case === 'clusterType') return at.field('cluster_type').error(`"${type.value.name}" is not supported`);
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
      return at.field('type').error('ORIGINAL_DST needs a proxy: it is not supported');
  }
  return at.field('type').error(`${type.value} is unknown`);
}

function decodeEds({ edsClusterConfig: config, name }: Cluster, at: FieldScope): ClusterDiscovery {
  checkConfigSource(config?.edsConfig, at.field('eds_config'));
  const serviceName = config?.serviceName ?? '';
  return { kind: 'eds', serviceName: serviceName === '' ? name : serviceName };
}

function decodeStatic({ loadAssignment, name }: Cluster, at: FieldScope): ClusterDiscovery | undefined {
  if (loadAssignment === undefined) return at.error('is missing');
  const localities = decodeLocalities(loadAssignment, at);
  return { kind: 'static', assignment: { clusterName: name, localities } };
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
      const { name, items } = endpointsOf(locality, scope);
      return scope.each(name, items, decodeHost);
    })
    .flat();
}

function decodeHost(message: LbEndpoint, at: FieldScope): DnsHost | undefined {
  const address = socketAddressOf(message, at);
  return address && { hostname: address.host.toLowerCase(), port: address.port };
}
