import type { Cluster, ClusterLoadAssignment, MeshResources } from '@inmesh/core';

/** The endpoints of each cluster; for one that clients resolve themselves, the names. */
export function listEndpoints(resources: MeshResources | undefined): object {
  const clusters = [...(resources?.clusters.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { clusters: clusters.map((cluster) => ({ cluster: cluster.name, ...endpointsOf(cluster, resources) })) };
}

function endpointsOf({ discovery }: Cluster, resources: MeshResources | undefined): object {
  switch (discovery.kind) {
    case 'dns':
      return { dns: discovery.hosts };
    case 'dialled':
      return { dialled: true };
    case 'static':
      return { endpoints: flatten(discovery.assignment) };
    case 'eds':
      return { endpoints: flatten(resources?.assignments.get(discovery.serviceName)) };
  }
}

function flatten(assignment: ClusterLoadAssignment | undefined): object[] {
  return (assignment?.localities ?? []).flatMap(({ endpoints, region, zone, subZone, priority }) =>
    endpoints.map(({ address, health, weight, workload }) => ({
      address,
      health,
      weight,
      priority,
      locality: [region, zone, subZone].filter(Boolean).join('/'),
      workload: workload ?? null,
    })),
  );
}
