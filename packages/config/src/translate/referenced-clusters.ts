import type { Route, RouteConfiguration } from '@inmesh/xds/messages';

/** The names of all clusters that these routes may send a request to, or a copy of one. */
export function referencedClusters(configurations: readonly RouteConfiguration[]): Set<string> {
  const routes = configurations.flatMap(({ virtualHosts }) => virtualHosts.flatMap((host) => host.routes));
  return new Set(routes.flatMap(clustersOf));
}

function clustersOf({ action }: Route): string[] {
  if (action.case !== 'route') return [];
  const { clusterSpecifier: target, requestMirrorPolicies } = action.value;
  const mirrors = requestMirrorPolicies.map(({ cluster }) => cluster);
  if (target.case === 'cluster') return [target.value, ...mirrors];
  if (target.case !== 'weightedClusters') return mirrors;
  return [...target.value.clusters.map(({ name }) => name), ...mirrors];
}
