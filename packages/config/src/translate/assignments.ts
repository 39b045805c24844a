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

/**
 * The endpoints of a cluster, those of one locality and priority together. Where none is ready, those that serve to their end
 * are called, since otherwise nobody would be (Kubernetes, KEP-1669).
 */
export function buildAssignment(clusterName: string, groups: readonly LocalityGroup[]): ClusterLoadAssignment {
  const isAnyReady = groups.some(({ endpoints }) => endpoints.some(({ draining }) => !draining));
  const endpoints = groups.map((group) => buildLocality(group, isAnyReady));
  return create(ClusterLoadAssignmentSchema, { clusterName, endpoints });
}

function buildLocality({ locality, priority, weight, endpoints }: LocalityGroup, isAnyReady: boolean) {
  const { region, zone, subZone } = locality;
  return {
    // gRPC refuses endpoints without a locality, and leaves out a locality without a weight (gRFC A27).
    locality: { region, zone, subZone },
    priority,
    loadBalancingWeight: weight,
    lbEndpoints: endpoints.map((endpoint) => buildEndpoint(endpoint, isAnyReady && endpoint.draining)),
  };
}

function buildEndpoint(
  { address, port, weight, workload, takesMeshTls }: MeshEndpoint,
  isDraining: boolean,
): LbEndpoint {
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
    healthStatus: isDraining ? HealthStatus.DRAINING : HealthStatus.HEALTHY,
    ...(weight !== undefined && { loadBalancingWeight: weight }),
    ...(Object.keys(filterMetadata).length > 0 && { metadata: { filterMetadata } }),
  });
}
