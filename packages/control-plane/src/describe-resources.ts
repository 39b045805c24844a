import type { ClusterLoadAssignment, MeshResources, RouteConfiguration } from '@inmesh/core';

/** E.g. `4 listeners 5 routes 7 clusters 6 endpoints`. Routes are rules, endpoints those that are not left to DNS. */
export function describeResources(resources: MeshResources): string {
  const { listeners, clusters } = resources;
  const counts = { listeners: listeners.size, routes: countRoutes(resources), clusters: clusters.size };
  return Object.entries({ ...counts, endpoints: countEndpoints(resources) })
    .map(([what, count]) => `${count} ${what}`)
    .join(' ');
}

function countRoutes({ listeners, routes }: MeshResources): number {
  const inListeners = [...listeners.values()].flatMap(({ routes: own }) => (typeof own === 'string' ? [] : [own]));
  return sum([...routes.values(), ...inListeners].map(rulesOf));
}

function rulesOf({ virtualHosts }: RouteConfiguration): number {
  return sum(virtualHosts.map(({ routes }) => routes.length));
}

/** An endpoint stands in the assignments of all subsets that it belongs to. */
function countEndpoints({ assignments, clusters }: MeshResources): number {
  const inClusters = [...clusters.values()].flatMap(({ discovery }) =>
    discovery.kind === 'static' ? [discovery.assignment] : [],
  );
  return new Set([...assignments.values(), ...inClusters].flatMap(addressesOf)).size;
}

function addressesOf({ localities }: ClusterLoadAssignment): string[] {
  return localities.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
