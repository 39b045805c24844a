import type { Call } from '../call.js';
import type { ClusterState, EndpointView } from '../cluster-view.js';
import type { Cluster } from '../model/cluster.js';
import { type BalancerTools, createKeyedBalancer, createLoadBalancer, isKeyed } from './create-load-balancer.js';
import { type LocalityViews, normalizeWeights } from './host-weights.js';
import type { LoadBalancer } from './load-balancer.js';
import { effectiveWeight, LocalityWeighted } from './locality-weighted.js';
import { type PriorityLevel, priorityLevels } from './priority-levels.js';
import { isHealthy } from './scan.js';

/** 140 by default: a priority takes all traffic while 1 / 1.4 of its endpoints are healthy (Envoy endpoint.proto). */
const defaultOverprovisioningPercent = 140;

export interface ClusterBalancerInit {
  readonly cluster: Cluster;
  readonly state: ClusterState;
  readonly localities: readonly LocalityViews[];
  readonly overprovisioningPercent: number | undefined;
  readonly tools: BalancerTools;
}

/**
 * The balancer of a whole cluster: a priority by load, then a locality where their weights count, then an endpoint. What
 * depends on health is made at the first pick and again after ejections, so that clusters without traffic cost nothing.
 */
export class ClusterBalancer implements LoadBalancer {
  readonly #priorities: readonly (readonly LocalityViews[])[];
  readonly #overprovisioningPercent: number;
  #healthEpoch = -1;
  #levels: readonly PriorityLevel[] = [];
  /** By priority; undefined where there is no load. */
  #balancers: readonly (LoadBalancer | undefined)[] = [];
  /** The balancer of the priority that takes everything, as nearly always one does. */
  #only: LoadBalancer | undefined;

  constructor(private readonly init: ClusterBalancerInit) {
    this.#priorities = byPriority(init.localities);
    this.#overprovisioningPercent = init.overprovisioningPercent ?? defaultOverprovisioningPercent;
  }

  pick(call: Call, refused = 0): EndpointView | undefined {
    if (this.#healthEpoch !== this.init.state.healthEpoch) this.#refresh();
    const balancer = this.#only ?? this.#balancers[this.#drawPriority(call)];
    return balancer?.pick(call, refused);
  }

  #refresh(): void {
    const { cluster, state } = this.init;
    this.#healthEpoch = state.healthEpoch;
    this.#levels = priorityLevels(
      this.#priorities.map(healthOf),
      this.#overprovisioningPercent,
      cluster.panicThresholdPercent,
    );
    this.#balancers = this.#levels.map(({ load, panic }, index) =>
      load === 0 ? undefined : this.#balancerOf(this.#priorities[index]!, panic),
    );
    this.#only = this.#balancers[this.#levels.findIndex(({ load }) => load === 100)];
  }

  /** A key leads to the same priority each time (Envoy `choosePriority`). */
  #drawPriority({ hashKey }: Call): number {
    const { cluster, tools } = this.init;
    const keyed = hashKey !== undefined && isKeyed(cluster.loadBalancer);
    let left = keyed ? Number(hashKey % 100n) : Math.floor(tools.random() * 100);
    return this.#levels.findIndex(({ load }) => {
      left -= load;
      return left < 0;
    });
  }

  #balancerOf(localities: readonly LocalityViews[], panic: boolean): LoadBalancer {
    const { cluster, tools } = this.init;
    const policy = cluster.loadBalancer;
    const usable = panic ? localities : localities.map(onlyHealthy);
    if (isKeyed(policy)) {
      return createKeyedBalancer(policy, normalizeWeights(usable, cluster.localityWeighted), tools);
    }
    const weighted = cluster.localityWeighted && !panic ? this.#withLoad(usable, localities) : [];
    // Envoy, too, falls back to all endpoints where the weights leave none to pick (locality_wrr.cc).
    if (weighted.length === 0) {
      return createLoadBalancer(
        policy,
        usable.flatMap(({ endpoints }) => endpoints),
        tools,
      );
    }
    return new LocalityWeighted(
      weighted.map(({ weight, endpoints }) => ({ weight, balancer: createLoadBalancer(policy, endpoints, tools) })),
      tools.random,
    );
  }

  /** The localities that get traffic, by how much: their weight as far as their healthy endpoints cover it. */
  #withLoad(healthy: readonly LocalityViews[], all: readonly LocalityViews[]): LocalityViews[] {
    const loaded = healthy.map((locality, index) => ({
      ...locality,
      weight: effectiveWeight(
        locality.weight,
        locality.endpoints.length,
        all[index]!.endpoints.length,
        this.#overprovisioningPercent,
      ),
    }));
    return loaded.filter(({ weight }) => weight > 0);
  }
}

function byPriority(localities: readonly LocalityViews[]): LocalityViews[][] {
  const priorities = [...new Set(localities.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.map((priority) => localities.filter((locality) => locality.priority === priority));
}

function healthOf(localities: readonly LocalityViews[]): { healthy: number; total: number } {
  const endpoints = localities.flatMap((locality) => locality.endpoints);
  return { healthy: endpoints.filter(isHealthy).length, total: endpoints.length };
}

function onlyHealthy(locality: LocalityViews): LocalityViews {
  return { ...locality, endpoints: locality.endpoints.filter(isHealthy) };
}
