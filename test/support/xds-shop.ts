import { create } from '@bufbuild/protobuf';
import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration } from '@inmesh/xds/messages';
import { ClusterLoadAssignmentSchema } from '@inmesh/xds/messages';
import { clusterMessage, lbEndpoint, listenerMessage, routeMessage } from '../../packages/xds/test/fixtures.js';

/** One service, as its four resources. */
export interface XdsService {
  readonly listener: Listener;
  readonly route: RouteConfiguration;
  readonly cluster: Cluster;
  readonly endpoint: ClusterLoadAssignment;
}

/** A service of that name on port 80, on one loopback port. */
export function xdsService(name: string, port: number): XdsService {
  const authority = `${name}.default.svc.cluster.local:80`;
  return {
    listener: listenerMessage(authority, authority),
    route: routeMessage(authority, name),
    cluster: clusterMessage(name),
    endpoint: assignment(name, port),
  };
}

export function assignment(clusterName: string, ...ports: number[]): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [{ locality: { region: 'r' }, lbEndpoints: ports.map((port) => lbEndpoint('127.0.0.1', port)) }],
  });
}
