import { create } from '@bufbuild/protobuf';
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
  HealthStatus,
  type LbEndpoint,
  LbEndpointSchema,
} from '@inmesh/xds/messages';
import type { LocalityGroup } from './locality-groups.js';
import type { MeshEndpoint } from './mesh-service.js';
import { meshTlsMetadata } from './security/mesh-tls.js';

/** The endpoints of a cluster, those of one locality and priority together. */
export function buildAssignment(clusterName: string, groups: readonly LocalityGroup[]): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, { clusterName, endpoints: groups.map(buildLocality) });
}

function buildLocality({ locality, priority, weight, endpoints }: LocalityGroup) {
  const { region, zone, subZone } = locality;
  return {
    // gRPC refuses endpoints without a locality, and leaves out a locality without a weight (gRFC A27).
    locality: { region, zone, subZone },
    priority,
    loadBalancingWeight: weight,
    lbEndpoints: endpoints.map(buildEndpoint),
  };
}

function buildEndpoint({ address, port, draining, weight, workload, takesMeshTls }: MeshEndpoint): LbEndpoint {
  const filterMetadata = {
    ...(workload !== undefined && { istio: { workload } }),
    ...(takesMeshTls === true && meshTlsMetadata),
  };
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
    ...(Object.keys(filterMetadata).length > 0 && { metadata: { filterMetadata } }),
  });
}
