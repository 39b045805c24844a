import type { Clock, Random } from './clock.js';
import { closeClusterState, createClusterState, updateClusterState } from './cluster-state.js';
import type { ClusterHost, ClusterState, ClusterView, EndpointState, EndpointView } from './cluster-view.js';
import { EndpointStates } from './endpoint-states.js';
import { ClusterBalancer } from './load-balancer/cluster-balancer.js';
import { isKeyed } from './load-balancer/create-load-balancer.js';
import type { Hash64 } from './load-balancer/hash64.js';
import type { LocalityViews } from './load-balancer/host-weights.js';
import type { Cluster, ClusterLoadAssignment, Endpoint, LocalityEndpoints } from './model/cluster.js';
import type { MeshResources } from './model/resources.js';

/** How many are made in one step of those that take turns with the event loop. */
export const stepLength = 20;

interface Previous {
  readonly resources: MeshResources;
  readonly views: ReadonlyMap<string, ClusterView>;
}

export interface ClusterViewsOptions {
  /** Its timers must not keep a process alive. */
  readonly clock: Clock;
  readonly random: Random;
  readonly hash64: Hash64;
  /** Told of an address that no cluster of the newest resources names any more. */
  readonly onEndpointRemoved?: (state: EndpointState) => void;
}

/** Makes the views of clusters for one snapshot after another, and holds the state of clusters and of addresses. */
export class ClusterViews {
  readonly #endpoints: EndpointStates;
  #previous: Previous | undefined;
  /** Of the clusters of the previous resources; made when the first of their assignments changes. */
  #byAssignment: ReadonlyMap<string, readonly Cluster[]> | undefined;

  constructor(private readonly options: ClusterViewsOptions) {
    this.#endpoints = new EndpointStates((state) => options.onEndpointRemoved?.(state));
  }

  /** While the clusters are the same map, only those with another assignment are looked at. */
  *of(resources: MeshResources): Generator<void, ReadonlyMap<string, ClusterView>> {
    const previous = this.#previous;
    const isSame = previous?.resources.clusters === resources.clusters;
    const views = isSame ? this.#withNewAssignments(resources, previous) : yield* this.#all(resources, previous?.views);
    this.#previous = { resources, views };
    return views;
  }

  /** Ends what goes on by itself. */
  close(): void {
    for (const { state } of this.#previous?.views.values() ?? []) closeClusterState(state);
  }

  *#all(
    resources: MeshResources,
    before: ReadonlyMap<string, ClusterView> | undefined,
  ): Generator<void, Map<string, ClusterView>> {
    this.#byAssignment = undefined;
    const clusters = new Map<string, ClusterView>();
    const gone: ClusterView[] = [];
    const made: ClusterView[] = [];
    for (const cluster of resources.clusters.values()) {
      const kept = before?.get(cluster.name);
      const view = this.#cluster(cluster, resources, kept);
      clusters.set(cluster.name, view);
      if (clusters.size % stepLength === 0) yield;
      if (view === kept) continue;
      made.push(view);
      if (kept !== undefined) gone.push(kept);
    }
    for (const [name, view] of before ?? []) {
      if (clusters.has(name)) continue;
      closeClusterState(view.state);
      gone.push(view);
    }
    this.#endpoints.replace(gone, made);
    return clusters;
  }

  #withNewAssignments(resources: MeshResources, previous: Previous): ReadonlyMap<string, ClusterView> {
    const changed = changedNames(previous.resources.assignments, resources.assignments);
    if (changed.length === 0) return previous.views;
    this.#byAssignment ??= clustersByAssignment(resources.clusters.values());
    const clusters = new Map(previous.views);
    const gone: ClusterView[] = [];
    const made: ClusterView[] = [];
    for (const cluster of changed.flatMap((name) => this.#byAssignment?.get(name) ?? [])) {
      const kept = clusters.get(cluster.name)!;
      const view = this.#cluster(cluster, resources, kept);
      clusters.set(cluster.name, view);
      gone.push(kept);
      made.push(view);
    }
    this.#endpoints.replace(gone, made);
    return clusters;
  }

  #cluster(cluster: Cluster, resources: MeshResources, kept: ClusterView | undefined): ClusterView {
    const assignment = assignmentOf(cluster, resources);
    const before = this.#previous?.resources;
    const keptAssignment = before && kept ? assignmentOf(kept.cluster, before) : undefined;
    if (kept !== undefined && kept.cluster === cluster && keptAssignment === assignment) return kept;
    const state = this.#clusterState(cluster, kept);
    const localities = (assignment?.localities ?? []).map((locality) => this.#locality(locality, state));
    const endpoints = inOrderOfPriority(localities).flatMap((locality) => locality.endpoints);
    forgetHosts(state, endpoints);
    const view: ClusterView = {
      cluster,
      endpoints,
      loadBalancer: new ClusterBalancer({
        cluster,
        state,
        localities,
        overprovisioningPercent: assignment?.overprovisioningFactorPercent,
        tools: this.options,
      }),
      overprovisioningPercent: assignment?.overprovisioningFactorPercent,
      hash64: isKeyed(cluster.loadBalancer) ? this.options.hash64 : undefined,
      state,
    };
    view.state.newest = view;
    return view;
  }

  #clusterState(cluster: Cluster, kept: ClusterView | undefined): ClusterState {
    if (kept === undefined) return createClusterState(cluster, this.options);
    updateClusterState(kept.state, kept.cluster, cluster, this.options);
    return kept.state;
  }

  #locality({ priority, weight, endpoints }: LocalityEndpoints, cluster: ClusterState): LocalityViews {
    return { priority, weight, endpoints: endpoints.map((endpoint) => this.#endpoint(endpoint, priority, cluster)) };
  }

  #endpoint(endpoint: Endpoint, priority: number, cluster: ClusterState): EndpointView {
    return {
      endpoint,
      priority,
      host: this.#host(endpoint.address, cluster),
      state: this.#endpoints.of(endpoint),
    };
  }

  #host(address: string, { hosts }: ClusterState): ClusterHost {
    let host = hosts.get(address);
    if (host === undefined) {
      host = { address, addedAt: this.options.clock.now(), ejected: false };
      hosts.set(address, host);
    }
    return host;
  }
}

function forgetHosts({ hosts }: ClusterState, endpoints: readonly EndpointView[]): void {
  if (hosts.size === endpoints.length) return;
  const known = new Set(endpoints.map(({ endpoint }) => endpoint.address));
  for (const address of hosts.keys()) if (!known.has(address)) hosts.delete(address);
}

function assignmentOf(cluster: Cluster, resources: MeshResources): ClusterLoadAssignment | undefined {
  const { discovery } = cluster;
  return discovery.kind === 'static' ? discovery.assignment : resources.assignments.get(assignmentNameOf(cluster));
}

function assignmentNameOf({ name, discovery }: Cluster): string {
  return discovery.kind === 'eds' ? discovery.serviceName : name;
}

function clustersByAssignment(clusters: Iterable<Cluster>): Map<string, Cluster[]> {
  const byName = new Map<string, Cluster[]>();
  for (const cluster of clusters) {
    if (cluster.discovery.kind === 'static') continue;
    const name = assignmentNameOf(cluster);
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [cluster]);
    else known.push(cluster);
  }
  return byName;
}

function inOrderOfPriority(localities: readonly LocalityViews[]): LocalityViews[] {
  return localities.toSorted((a, b) => a.priority - b.priority);
}

/** The names under which the maps do not have the same object. */
function changedNames<Value>(before: ReadonlyMap<string, Value>, now: ReadonlyMap<string, Value>): string[] {
  if (before === now) return [];
  const changed: string[] = [];
  for (const [name, value] of now) if (before.get(name) !== value) changed.push(name);
  for (const name of before.keys()) if (!now.has(name)) changed.push(name);
  return changed;
}
