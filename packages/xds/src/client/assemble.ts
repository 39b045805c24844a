import type {
  Cluster,
  ClusterLoadAssignment,
  InboundListener,
  Listener,
  MeshResources,
  ResourceProblem,
  RouteConfiguration,
} from '@inmesh/core';
import { closedInbound } from '../resources/decode-inbound-listener.js';
import type { DecodedListener } from '../resources/decode-listener.js';
import { isInboundName } from '../resources/inbound-name.js';
import { mergeInbound } from '../resources/merge-inbound.js';
import { resourceKinds } from '../resources/type-urls.js';
import { clustersOf, clustersOfInbound, inlineRoutesOf, referencesOf, serviceNameOf } from './references.js';
import type { ResourceStore } from './resource-store.js';

/**
 * Makes a configuration of what has arrived in which no route goes to a cluster that is still waiting for its endpoints
 * (Envoy calls this warming). What is not warm stays as it was published before, or stays out. Before anything was
 * published it waits for everything: half a configuration would let calls fail that the other half serves.
 * @returns undefined when there is nothing to publish yet
 */
export function assemble(store: ResourceStore, published: MeshResources | undefined): MeshResources | undefined {
  if (!store.listener.isReceived || !store.cluster.isReceived) return undefined;
  const assembly = new Assembly(store, published);
  return assembly.isComplete || published !== undefined ? assembly.resources : undefined;
}

const refusedListenerPrefix = 'the refused listener ';

class Assembly {
  readonly resources: MeshResources;
  /** False when something was left out because it is not warm. */
  isComplete = true;
  readonly #listeners = new Map<string, Listener>();
  readonly #routes = new Map<string, RouteConfiguration>();
  readonly #clusters = new Map<string, Cluster>();
  readonly #assignments = new Map<string, ClusterLoadAssignment>();
  readonly #inbound: InboundListener[] = [];

  constructor(
    private readonly store: ResourceStore,
    private readonly published: MeshResources | undefined,
  ) {
    for (const listener of store.listener.values()) this.#addListener(listener);
    this.#addRefusedListeners();
    for (const cluster of store.cluster.values()) this.#addCluster(cluster);
    this.#keepClustersInUse();
    this.resources = {
      listeners: this.#listeners,
      routes: this.#routes,
      clusters: this.#clusters,
      assignments: this.#assignments,
      problems: problemsOf(store, published?.problems),
      inbound: mergeInbound(this.#inbound, published?.inbound),
    };
  }

  #addListener(listener: DecodedListener): void {
    if (listener.inbound !== undefined) {
      this.#addInbound(listener.inbound);
      return;
    }
    if (this.#takeRoutes(listener)) {
      this.#listeners.set(listener.name, listener);
      return;
    }
    this.isComplete = false;
    const before = this.published?.listeners.get(listener.name);
    if (before === undefined) return;
    this.#listeners.set(before.name, before);
    this.#takeRoutes(before);
  }

  /** It counts at once: whom it keeps out must not get in while a service that it asks is not warm. */
  #addInbound(inbound: InboundListener): void {
    this.#inbound.push(inbound);
    if (!clustersOfInbound(inbound).every((name) => this.#isClusterWarm(name))) this.isComplete = false;
  }

  /** Its host is one of the mesh: a call to it must not go past the mesh, wherever DNS leads. */
  #addRefusedListeners(): void {
    for (const { name } of this.store.listener.problems) {
      if (name === '' || this.#listeners.has(name)) continue;
      const isRefused = this.store.listener.get(name)?.kind === 'rejected';
      if (isRefused && isInboundName(name)) this.#inbound.push(this.#closedInbound(name));
      else if (this.store.listener.get(name)?.kind !== 'present')
        this.#listeners.set(name, this.#refusedListener(name));
    }
  }

  #closedInbound(name: string): InboundListener {
    const before = this.published?.inbound;
    return before?.name === name && before.chains.length === 0 ? before : closedInbound(name);
  }

  #refusedListener(name: string): Listener {
    const before = this.published?.listeners.get(name);
    const routes = { name: `${refusedListenerPrefix}${name}`, virtualHosts: [] };
    const isSame = before !== undefined && typeof before.routes !== 'string' && before.routes.name === routes.name;
    return isSame ? before : { name, routes };
  }

  /** Whether the listener can be used with the routes that it names. */
  #takeRoutes(listener: Listener): boolean {
    const inline = inlineRoutesOf(listener);
    if (inline !== undefined) return this.published?.listeners.get(listener.name) === listener || this.#isWarm(inline);
    const name = listener.routes as string;
    const before = this.published?.routes.get(name);
    const entry = this.store.route.get(name);
    const next = entry?.kind === 'present' ? entry.value : undefined;
    const isUsable = next !== undefined && (next === before || this.#isWarm(next));
    if (next !== undefined && !isUsable) this.isComplete = false;
    const chosen = isUsable ? next : before;
    if (chosen !== undefined) this.#routes.set(name, chosen);
    // A configuration that was refused or does not exist will not come: its listener answers that there is no route.
    return chosen !== undefined || (entry !== undefined && entry.kind !== 'present');
  }

  #isWarm(configuration: RouteConfiguration): boolean {
    return clustersOf(configuration).every((name) => this.#isClusterWarm(name));
  }

  /** A cluster that was refused or does not exist is not waited for. */
  #isClusterWarm(name: string): boolean {
    const entry = this.store.cluster.get(name);
    return entry !== undefined && (entry.kind !== 'present' || this.#hasEndpoints(entry.value));
  }

  #hasEndpoints(cluster: Cluster): boolean {
    const serviceName = serviceNameOf(cluster);
    return serviceName === undefined || this.store.endpoint.get(serviceName) !== undefined;
  }

  #addCluster(cluster: Cluster): void {
    const chosen = this.#hasEndpoints(cluster) ? cluster : this.published?.clusters.get(cluster.name);
    if (chosen !== undefined) this.#useCluster(chosen);
  }

  /** A route may still go to a cluster that the server has withdrawn already: it leaves when nothing refers to it. */
  #keepClustersInUse(): void {
    for (const configuration of this.#routesInUse()) {
      for (const name of clustersOf(configuration)) {
        const before = this.published?.clusters.get(name);
        const isWithdrawn = this.store.cluster.get(name) === undefined && !this.#clusters.has(name);
        if (before !== undefined && isWithdrawn) this.#keepCluster(before);
      }
    }
  }

  *#routesInUse(): Generator<RouteConfiguration> {
    yield* this.#routes.values();
    for (const listener of this.#listeners.values()) {
      const inline = inlineRoutesOf(listener);
      if (inline !== undefined) yield inline;
    }
  }

  /** Its endpoints may have been withdrawn with it. */
  #keepCluster(cluster: Cluster): void {
    this.#useCluster(cluster);
    const serviceName = serviceNameOf(cluster);
    if (serviceName === undefined || this.#assignments.has(serviceName)) return;
    const assignment = this.published?.assignments.get(serviceName);
    if (assignment !== undefined) this.#assignments.set(serviceName, assignment);
  }

  #useCluster(cluster: Cluster): void {
    this.#clusters.set(cluster.name, cluster);
    const serviceName = serviceNameOf(cluster);
    if (serviceName === undefined) return;
    const assignment = this.store.endpoint.valueOf(serviceName);
    if (assignment !== undefined) this.#assignments.set(serviceName, assignment);
  }
}

/** Whether both hold the very same objects under the same names. */
export function isSameConfiguration(a: MeshResources, b: MeshResources): boolean {
  return a.problems === b.problems && isSameMap(a.assignments, b.assignments) && hasSameReferences(a, b);
}

/** Whether they differ in their endpoints at most, which refer to nothing. */
export function hasSameReferences(a: MeshResources, b: MeshResources): boolean {
  if (a.inbound !== b.inbound) return false;
  return isSameMap(a.clusters, b.clusters) && isSameMap(a.routes, b.routes) && isSameMap(a.listeners, b.listeners);
}

/** The same array as before when nothing of it has changed. */
function problemsOf(store: ResourceStore, before: readonly ResourceProblem[] | undefined): readonly ResourceProblem[] {
  const all = resourceKinds.flatMap((kind) => [...store[kind].problems]);
  const problems = all.length === 0 ? all : withoutFormer(all, store);
  const isSame = before?.length === problems.length && problems.every((problem, index) => before[index] === problem);
  return isSame ? before : problems;
}

/** What is gone together with all that referred to it is no problem, although it may be in use until this is published. */
function withoutFormer(problems: readonly ResourceProblem[], store: ResourceStore): ResourceProblem[] {
  const { route, cluster, endpoint } = referencesOf(store, undefined);
  return problems.filter(({ kind, name }) => {
    if (name === '' || kind === 'listener') return true;
    if (kind === 'cluster') return cluster.has(name) || store.cluster.get(name)?.kind !== 'missing';
    return (kind === 'route' ? route : endpoint).has(name);
  });
}

function isSameMap<Value>(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}
