import type { Clock, Random } from './clock.js';
import { closeClusterState, createClusterState, updateClusterState } from './cluster-state.js';
import type { ClusterHost, ClusterState, ClusterView, EndpointState, EndpointView } from './cluster-view.js';
import { ClusterBalancer } from './load-balancer/cluster-balancer.js';
import { isKeyed } from './load-balancer/create-load-balancer.js';
import type { Hash64 } from './load-balancer/hash64.js';
import type { LocalityViews } from './load-balancer/host-weights.js';
import type { Cluster, ClusterLoadAssignment, Endpoint, LocalityEndpoints } from './model/cluster.js';
import type { MeshResources } from './model/resources.js';
import type { RouteConfiguration } from './model/route.js';
import { RouteTable } from './router/route-table.js';
import { MeshSnapshot } from './snapshot.js';

/**
 * Makes snapshots out of resources, one after another. Holds what outlives them: the state of addresses and of clusters,
 * and whatever compiled parts the next snapshot can take over because their resource is the same object.
 */
export class SnapshotAssembler {
  readonly #endpoints = new Map<string, EndpointState>();
  #previous: MeshSnapshot | undefined;
  #previousResources: MeshResources | undefined;
  #generation = 0;

  constructor(
    private readonly options: {
      /** Its timers must not keep a process alive. */
      clock: Clock;
      random: Random;
      hash64: Hash64;
      /** Tried in order for hosts that no listener names as they are, e.g. `default.svc.cluster.local`. */
      searchDomains: readonly string[];
      /** What this machine is called; default empty. */
      hostname?: string | undefined;
      /** Told of an address that no cluster of the new snapshot names any more. */
      onEndpointRemoved?: (state: EndpointState) => void;
    },
  ) {}

  assemble(resources: MeshResources): MeshSnapshot {
    this.#generation += 1;
    const clusters = new Map<string, ClusterView>();
    for (const cluster of resources.clusters.values()) clusters.set(cluster.name, this.#cluster(cluster, resources));
    const snapshot = new MeshSnapshot({
      generation: this.#generation,
      listeners: resources.listeners,
      routeTables: this.#routeTables(resources),
      clusters,
      searchDomains: this.options.searchDomains,
      hostname: this.options.hostname,
      problems: resources.problems,
    });
    this.#retireClusters(snapshot);
    this.#retireEndpoints(snapshot);
    this.#previous = snapshot;
    this.#previousResources = resources;
    return snapshot;
  }

  /** Ends what goes on by itself; the last snapshot stays as it is. */
  close(): void {
    for (const { state } of this.#previous?.clusters.values() ?? []) closeClusterState(state);
  }

  #routeTables(resources: MeshResources): Map<string, RouteTable> {
    const tables = new Map<string, RouteTable>();
    for (const configuration of routeConfigurations(resources)) {
      const kept = this.#previous?.routeTables.get(configuration.name);
      tables.set(configuration.name, kept?.configuration === configuration ? kept : new RouteTable(configuration));
    }
    return tables;
  }

  #cluster(cluster: Cluster, resources: MeshResources): ClusterView {
    const assignment = assignmentOf(cluster, resources);
    const kept = this.#previous?.clusters.get(cluster.name);
    const keptAssignment =
      this.#previousResources && kept ? assignmentOf(kept.cluster, this.#previousResources) : undefined;
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
    let state = this.#endpoints.get(endpoint.address);
    if (state === undefined) {
      state = { address: endpoint.address, host: endpoint.host, port: endpoint.port, inFlight: 0, removed: false };
      this.#endpoints.set(endpoint.address, state);
    }
    return { endpoint, priority, host: this.#host(endpoint.address, cluster), state };
  }

  #host(address: string, { hosts }: ClusterState): ClusterHost {
    let host = hosts.get(address);
    if (host === undefined) {
      host = { address, addedAt: this.options.clock.now(), ejected: false };
      hosts.set(address, host);
    }
    return host;
  }

  #retireClusters(snapshot: MeshSnapshot): void {
    for (const { state } of this.#previous?.clusters.values() ?? []) {
      if (snapshot.clusters.get(state.name)?.state !== state) closeClusterState(state);
    }
  }

  #retireEndpoints(snapshot: MeshSnapshot): void {
    const gone = new Set<EndpointState>();
    for (const [name, view] of this.#previous?.clusters ?? []) {
      if (snapshot.clusters.get(name) === view) continue;
      for (const { state } of view.endpoints) gone.add(state);
    }
    if (gone.size === 0) return;
    for (const view of snapshot.clusters.values()) for (const { state } of view.endpoints) gone.delete(state);
    for (const state of gone) {
      this.#endpoints.delete(state.address);
      state.removed = true;
      this.options.onEndpointRemoved?.(state);
    }
  }
}

function forgetHosts({ hosts }: ClusterState, endpoints: readonly EndpointView[]): void {
  if (hosts.size === endpoints.length) return;
  const known = new Set(endpoints.map(({ endpoint }) => endpoint.address));
  for (const address of hosts.keys()) if (!known.has(address)) hosts.delete(address);
}

function routeConfigurations(resources: MeshResources): RouteConfiguration[] {
  const inListeners: RouteConfiguration[] = [];
  for (const { routes } of resources.listeners.values()) if (typeof routes !== 'string') inListeners.push(routes);
  return [...resources.routes.values(), ...inListeners];
}

function assignmentOf(cluster: Cluster, resources: MeshResources): ClusterLoadAssignment | undefined {
  const discovery = cluster.discovery;
  if (discovery.kind === 'static') return discovery.assignment;
  return resources.assignments.get(discovery.kind === 'eds' ? discovery.serviceName : cluster.name);
}

function inOrderOfPriority(localities: readonly LocalityViews[]): LocalityViews[] {
  return localities.toSorted((a, b) => a.priority - b.priority);
}
