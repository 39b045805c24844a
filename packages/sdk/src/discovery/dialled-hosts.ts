import type { Cluster, Listener, MeshResources, RouteConfiguration } from '@inmesh/core';
import { dnsHost, type HostResources } from './host-clusters.js';

/** The listeners whose calls may go to what their caller dials, which no configuration can resolve ahead. */
export function dialledListeners(resources: MeshResources): ReadonlySet<Listener> {
  const isDialled = (name: string) => resources.clusters.get(name)?.discovery.kind === 'dialled';
  const found = new Set<Listener>();
  if (![...resources.clusters.values()].some(({ discovery }) => discovery.kind === 'dialled')) return found;
  for (const listener of resources.listeners.values()) {
    const configuration = routesOf(listener, resources);
    if (configuration !== undefined && clustersOf(configuration).some(isDialled)) found.add(listener);
  }
  return found;
}

/**
 * A host dialled by way of such a listener: the listener's own routes and policies, with a cluster of the host in the place
 * of each that is dialled. Its limits thus count for each host by itself.
 * @param from the name of the listener, a wildcard most often
 * @param name `host:port` as dialled
 */
export function dialledHost(from: string, name: string): (base: MeshResources) => HostResources | undefined {
  // By configuration, since for a moment an old one and a new one are both looked at.
  const memory = new WeakMap<RouteConfiguration, { dialled: readonly Cluster[]; resources: HostResources }>();
  return (base) => {
    const listener = base.listeners.get(from);
    const configuration = listener && routesOf(listener, base);
    if (configuration === undefined) return undefined;
    const dialled = clustersOf(configuration).flatMap((cluster) => dialledCluster(cluster, base));
    if (dialled.length === 0) return undefined;
    // The same objects as long as nothing changes, so that snapshots keep what they made of them.
    const known = memory.get(configuration);
    if (known !== undefined && isSame(known.dialled, dialled)) return known.resources;
    const resources = derive(name, configuration, dialled);
    memory.set(configuration, { dialled, resources });
    return resources;
  };
}

function derive(name: string, configuration: RouteConfiguration, dialled: readonly Cluster[]): HostResources {
  const colon = name.lastIndexOf(':');
  const hosts = [dnsHost(name.slice(0, colon), Number(name.slice(colon + 1)))];
  const clusters = dialled.map(
    (cluster): Cluster =>
      Object.freeze({
        ...cluster,
        name: derivedName(cluster.name, name),
        discovery: { kind: 'dns', hosts, logical: false } as const,
      }),
  );
  const names = new Map(dialled.map((cluster) => [cluster.name, derivedName(cluster.name, name)]));
  return { listener: Object.freeze({ name, routes: renameClusters(configuration, name, names) }), clusters };
}

function isSame(a: readonly Cluster[], b: readonly Cluster[]): boolean {
  return a.length === b.length && a.every((cluster, index) => cluster === b[index]);
}

function derivedName(cluster: string, name: string): string {
  return `${cluster}|${name}`;
}

function renameClusters(
  configuration: RouteConfiguration,
  name: string,
  names: ReadonlyMap<string, string>,
): RouteConfiguration {
  const rename = <T extends { readonly cluster: string }>(target: T): T => {
    const cluster = names.get(target.cluster);
    return cluster === undefined ? target : { ...target, cluster };
  };
  const virtualHosts = configuration.virtualHosts.map((host) => ({
    ...host,
    routes: host.routes.map((route) => {
      const { action } = route;
      if (action.kind !== 'forward') return route;
      return {
        ...route,
        action: { ...action, targets: action.targets.map(rename), mirrors: action.mirrors.map(rename) },
      };
    }),
  }));
  return Object.freeze({ name: `${configuration.name}|${name}`, virtualHosts });
}

function routesOf({ routes }: Listener, resources: MeshResources): RouteConfiguration | undefined {
  return typeof routes === 'string' ? resources.routes.get(routes) : routes;
}

function dialledCluster(name: string, { clusters }: MeshResources): Cluster[] {
  const cluster = clusters.get(name);
  return cluster?.discovery.kind === 'dialled' ? [cluster] : [];
}

/** Each once. */
function clustersOf({ virtualHosts }: RouteConfiguration): string[] {
  const actions = virtualHosts.flatMap(({ routes }) => routes.map(({ action }) => action));
  const names = actions.flatMap((action) =>
    action.kind === 'forward' ? [...action.targets, ...action.mirrors].map(({ cluster }) => cluster) : [],
  );
  return [...new Set(names)];
}
