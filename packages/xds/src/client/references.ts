import type { Cluster, InboundListener, Listener, MeshResources, RouteConfiguration } from '@inmesh/core';
import type { ResourceStore } from './resource-store.js';

/** In the order in which one refers to the next. */
export const referredKinds = ['listener', 'route', 'cluster', 'endpoint'] as const;

export type ReferredKind = (typeof referredKinds)[number];

/** The names that resources refer to, by kind of what is referred to. */
export interface References {
  /** Those that are called, where listeners are asked for by name; else none. */
  readonly listener: ReadonlySet<string>;
  readonly route: ReadonlySet<string>;
  readonly cluster: ReadonlySet<string>;
  readonly endpoint: ReadonlySet<string>;
}

/**
 * What must be known for everything in the store to be used. What is in use still counts too, until its successor is
 * warm; only a cluster that nothing newer names is not asked for any more.
 */
export function referencesOf(
  store: ResourceStore,
  published: MeshResources | undefined,
  listener: ReadonlySet<string> = new Set(),
): References {
  const route = new Set<string>();
  const endpoint = new Set<string>();
  for (const listener of both(store.listener.values(), published?.listeners.values())) {
    if (typeof listener.routes === 'string') route.add(listener.routes);
  }
  for (const cluster of both(store.cluster.values(), published?.clusters.values())) {
    const serviceName = serviceNameOf(cluster);
    if (serviceName !== undefined) endpoint.add(serviceName);
  }
  return { listener, route, cluster: clustersOfStore(store, route), endpoint };
}

/** Undefined for a cluster that needs no assignment from the server. */
export function serviceNameOf({ discovery }: Cluster): string | undefined {
  return discovery.kind === 'eds' ? discovery.serviceName : undefined;
}

const clustersOfConfiguration = new WeakMap<RouteConfiguration, readonly string[]>();

/** The clusters that a route configuration sends requests and copies of requests to; worked out once. */
export function clustersOf(configuration: RouteConfiguration): readonly string[] {
  let names = clustersOfConfiguration.get(configuration);
  if (names === undefined) {
    const actions = configuration.virtualHosts.flatMap(({ routes }) => routes.map(({ action }) => action));
    const targets = actions.flatMap((action) =>
      action.kind === 'forward' ? [...action.targets, ...action.mirrors] : [],
    );
    names = [...new Set(targets.map(({ cluster }) => cluster))];
    clustersOfConfiguration.set(configuration, names);
  }
  return names;
}

function clustersOfStore(store: ResourceStore, routeNames: Iterable<string>): Set<string> {
  const clusters = new Set<string>();
  const addAll = (configuration: RouteConfiguration | undefined) => {
    if (configuration !== undefined) for (const name of clustersOf(configuration)) clusters.add(name);
  };
  for (const name of routeNames) addAll(store.route.valueOf(name));
  for (const listener of store.listener.values()) {
    addAll(inlineRoutesOf(listener));
    if (listener.inbound !== undefined) for (const name of clustersOfInbound(listener.inbound)) clusters.add(name);
  }
  return clusters;
}

/** The clusters of services that are asked who may come in. */
export function clustersOfInbound({ chains }: InboundListener): readonly string[] {
  return chains.flatMap(({ filters }) =>
    filters.flatMap((filter) =>
      filter.kind === 'externalAuthorization' ? [filter.authorization.service.cluster] : [],
    ),
  );
}

export function inlineRoutesOf({ routes }: Listener): RouteConfiguration | undefined {
  return typeof routes === 'string' ? undefined : routes;
}

function* both<Value>(first: Iterable<Value>, second: Iterable<Value> | undefined): Generator<Value> {
  yield* first;
  if (second !== undefined) yield* second;
}
