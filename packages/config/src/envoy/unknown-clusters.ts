import type { Route, RouteAction_RequestMirrorPolicy, RouteConfiguration } from '@inmesh/xds/messages';
import { didYouMean } from '../nearest.js';
import type { Place } from '../place.js';

interface Reference {
  readonly cluster: string;
  readonly place: Place;
}

/** Envoy refuses a static route to a cluster that is not there, unless `validate_clusters` is false (route.proto). */
export function sayUnknownClusters(routes: RouteConfiguration, at: Place, known: ReadonlySet<string>): void {
  if (routes.validateClusters === false) return;
  for (const { cluster, place } of referencesOf(routes, at)) {
    if (!known.has(cluster)) place.error(`there is no cluster "${cluster}"`, didYouMean(cluster, known));
  }
}

function referencesOf({ virtualHosts, requestMirrorPolicies }: RouteConfiguration, at: Place): Reference[] {
  const ofHosts = virtualHosts.flatMap((host, index) => {
    const hostAt = at.at('virtual_hosts', index);
    const ofRoutes = host.routes.flatMap((route, routeIndex) =>
      ofRoute(route, hostAt.at('routes', routeIndex, 'route')),
    );
    return [...ofMirrors(host.requestMirrorPolicies, hostAt), ...ofRoutes];
  });
  return [...ofMirrors(requestMirrorPolicies, at), ...ofHosts];
}

function ofRoute({ action }: Route, at: Place): Reference[] {
  if (action.case !== 'route') return [];
  const { clusterSpecifier: target, requestMirrorPolicies } = action.value;
  const mirrors = ofMirrors(requestMirrorPolicies, at);
  if (target.case === 'cluster') return [{ cluster: target.value, place: at.at('cluster') }, ...mirrors];
  if (target.case !== 'weightedClusters') return mirrors;
  const weighted = target.value.clusters.map(({ name }, index) => ({
    cluster: name,
    place: at.at('weighted_clusters', 'clusters', index, 'name'),
  }));
  return [...weighted, ...mirrors];
}

function ofMirrors(policies: readonly RouteAction_RequestMirrorPolicy[], at: Place): Reference[] {
  return policies.map(({ cluster }, index) => ({
    cluster,
    place: at.at('request_mirror_policies', index, 'cluster'),
  }));
}
