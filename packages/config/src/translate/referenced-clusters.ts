import type { Route, RouteConfiguration } from '@inmesh/xds/messages';

/** The names of all clusters that these routes may send a request to, or a copy of one. */
export function referencedClusters(configurations: readonly RouteConfiguration[]): Set<string> {
  return new Set(configurations.flatMap(namesIn));
}

/** Messages do not change, and most of them are there the next time, too. */
const known = new WeakMap<RouteConfiguration, readonly string[]>();

function namesIn(configuration: RouteConfiguration): readonly string[] {
  const before = known.get(configuration);
  if (before !== undefined) return before;
  const routes = configuration.virtualHosts.flatMap((host) => host.routes);
  const names = [...new Set(routes.flatMap(clustersOf))];
  known.set(configuration, names);
  return names;
}

function clustersOf({ action }: Route): string[] {
  if (action.case !== 'route') return [];
  const { clusterSpecifier: target, requestMirrorPolicies } = action.value;
  const mirrors = requestMirrorPolicies.map(({ cluster }) => cluster);
  if (target.case === 'cluster') return [target.value, ...mirrors];
  if (target.case !== 'weightedClusters') return mirrors;
  return [...target.value.clusters.map(({ name }) => name), ...mirrors];
}
