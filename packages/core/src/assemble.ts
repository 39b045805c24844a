import type { Clock, Random } from './clock.js';
import type { ClusterHost, ClusterState, ClusterView, EndpointState, EndpointView } from './cluster-view.js';
import { createLoadBalancer } from './load-balancer/create-load-balancer.js';
import type { Cluster, ClusterLoadAssignment, Endpoint, LocalityEndpoints } from './model/cluster.js';
import type { MeshResources } from './model/resources.js';
import type { RouteConfiguration } from './model/route.js';
import { CircuitBreaker } from './policy/circuit-breaker.js';
import { ConcurrentRetryBudget, type RetryBudget, WindowRetryBudget } from './policy/retry-budget.js';
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
      clock: Clock;
      random: Random;
      /** Tried in order for hosts that no listener names as they are, e.g. `default.svc.cluster.local`. */
      searchDomains: readonly string[];
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
    });
    this.#retireEndpoints(snapshot);
    this.#previous = snapshot;
    this.#previousResources = resources;
    return snapshot;
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
    const endpoints = endpointsInUse(assignment?.localities ?? []).map((endpoint) => this.#endpoint(endpoint, state));
    forgetHosts(state, endpoints);
    const view: ClusterView = {
      cluster,
      endpoints,
      loadBalancer: createLoadBalancer(cluster.loadBalancer, endpoints, this.options.random),
      state,
    };
    view.state.newest = view;
    if (kept !== undefined) kept.state.newest = view;
    return view;
  }

  #clusterState(cluster: Cluster, kept: ClusterView | undefined): ClusterState {
    if (kept === undefined) {
      return {
        name: cluster.name,
        breaker: new CircuitBreaker(cluster.circuitBreakers.default),
        highPriorityBreaker: new CircuitBreaker(cluster.circuitBreakers.high),
        retryBudget: this.#retryBudget(cluster),
        hosts: new Map(),
        healthEpoch: 0,
        newest: undefined,
      };
    }
    kept.state.breaker.thresholds = cluster.circuitBreakers.default;
    kept.state.highPriorityBreaker.thresholds = cluster.circuitBreakers.high;
    if (sameBudget(kept.cluster, cluster)) return kept.state;
    return { ...kept.state, retryBudget: this.#retryBudget(cluster) };
  }

  #retryBudget(cluster: Cluster): RetryBudget {
    return cluster.retryBudget === undefined
      ? new WindowRetryBudget(this.options.clock)
      : new ConcurrentRetryBudget(cluster.retryBudget);
  }

  #endpoint(endpoint: Endpoint, cluster: ClusterState): EndpointView {
    let state = this.#endpoints.get(endpoint.address);
    if (state === undefined) {
      state = { address: endpoint.address, host: endpoint.host, port: endpoint.port, inFlight: 0, removed: false };
      this.#endpoints.set(endpoint.address, state);
    }
    return { endpoint, host: this.#host(endpoint.address, cluster), state };
  }

  #host(address: string, { hosts }: ClusterState): ClusterHost {
    let host = hosts.get(address);
    if (host === undefined) {
      host = { address, addedAt: this.options.clock.now(), ejected: false };
      hosts.set(address, host);
    }
    return host;
  }

  #retireEndpoints(snapshot: MeshSnapshot): void {
    const named = new Set<string>();
    for (const view of snapshot.clusters.values()) for (const { state } of view.endpoints) named.add(state.address);
    for (const state of this.#endpoints.values()) {
      if (named.has(state.address)) continue;
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

/** The endpoints of the highest priority that has a healthy one; all of them when none has. */
function endpointsInUse(localities: readonly LocalityEndpoints[]): Endpoint[] {
  const priorities = [...new Set(localities.map((locality) => locality.priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    const endpoints = localities.filter((locality) => locality.priority === priority).flatMap((l) => l.endpoints);
    if (endpoints.some((endpoint) => endpoint.health === 'healthy')) return endpoints;
  }
  return localities.flatMap((locality) => locality.endpoints);
}

function sameBudget(a: Cluster, b: Cluster): boolean {
  return (
    a.retryBudget?.percent === b.retryBudget?.percent && a.retryBudget?.minConcurrency === b.retryBudget?.minConcurrency
  );
}
