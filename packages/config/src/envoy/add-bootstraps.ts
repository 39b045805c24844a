import type { ResourceSet } from '@inmesh/xds';
import type { RouteConfiguration } from '@inmesh/xds/messages';
import type { IssueSink } from '../issues.js';
import type { ConfigObject } from '../objects.js';
import { Place } from '../place.js';
import { readBootstrap } from './bootstrap.js';
import { sayUnknownClusters } from './unknown-clusters.js';

/** The resources with those of Envoy's files added; a name that is there already is an error, and the first one stays. */
export function addBootstraps(set: ResourceSet, bootstraps: readonly ConfigObject[], issues: IssueSink): ResourceSet {
  if (bootstraps.length === 0) return set;
  const listeners = new Map(set.listeners);
  const routes = new Map(set.routes);
  const clusters = new Map(set.clusters);
  const broken: string[] = [];
  const placed: (readonly [RouteConfiguration, Place])[] = [];
  for (const object of bootstraps) {
    const place = Place.of(object, issues);
    const found = readBootstrap(object.body, place);
    const at = place.at('static_resources');
    addAll(listeners, found.listeners, (name) => at.at('listeners').error(taken('an entry', name)));
    addAll(routes, found.routes, (name) => at.at('listeners').error(taken('a route configuration', name)));
    addAll(clusters, found.clusters, (name) => at.at('clusters').error(taken('a cluster', name)));
    broken.push(...found.brokenClusters);
    placed.push(...found.routes.map((config, index) => [config, found.routePlaces[index]!] as const));
  }
  const known = new Set([...clusters.keys(), ...broken]);
  for (const [config, at] of placed) sayUnknownClusters(config, at, known);
  return { ...set, listeners: sorted(listeners), routes: sorted(routes), clusters: sorted(clusters) };
}

function taken(what: string, name: string): string {
  return `there is already ${what} with the name "${name}"`;
}

function addAll<Resource extends { readonly name: string }>(
  into: Map<string, Resource>,
  found: readonly Resource[],
  sayTaken: (name: string) => void,
): void {
  for (const resource of found) {
    if (into.has(resource.name)) sayTaken(resource.name);
    else into.set(resource.name, resource);
  }
}

function sorted<Resource>(resources: Map<string, Resource>): Map<string, Resource> {
  return new Map([...resources].sort(([a], [b]) => (a < b ? -1 : 1)));
}
