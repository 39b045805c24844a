import { create } from '@bufbuild/protobuf';
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
  HealthStatus,
  type LbEndpoint,
  LbEndpointSchema,
} from '@inmesh/xds/messages';
import type { Locality, MeshEndpoint } from './mesh-service.js';

/** The endpoints of a cluster, those of one locality together. */
export function buildAssignment(clusterName: string, endpoints: readonly MeshEndpoint[]): ClusterLoadAssignment {
  const groups = new Map<string, MeshEndpoint[]>();
  for (const endpoint of endpoints) {
    const key = keyOf(endpoint.locality);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [endpoint]);
    else group.push(endpoint);
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: sorted.map(([, group]) => buildLocality(group)),
  });
}

function buildLocality(group: readonly MeshEndpoint[]) {
  const { region, zone, subZone } = group[0]!.locality;
  return {
    // gRPC refuses endpoints without a locality, and leaves out a locality without a weight (gRFC A27).
    locality: { region, zone, subZone },
    loadBalancingWeight: group.reduce((sum, { weight }) => sum + (weight ?? 1), 0),
    lbEndpoints: group.map(buildEndpoint),
  };
}

function buildEndpoint({ address, port, draining, weight, workload }: MeshEndpoint): LbEndpoint {
  return create(LbEndpointSchema, {
    hostIdentifier: {
      case: 'endpoint',
      value: {
        address: {
          address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } },
        },
      },
    },
    healthStatus: draining ? HealthStatus.DRAINING : HealthStatus.HEALTHY,
    ...(weight !== undefined && { loadBalancingWeight: weight }),
    ...(workload !== undefined && { metadata: { filterMetadata: { istio: { workload } } } }),
  });
}

function keyOf({ region, zone, subZone }: Locality): string {
  return `${region}/${zone}/${subZone}`;
}
