import { InboundPolicy } from './authorization/inbound-policy.js';
import { ClusterViews, type ClusterViewsOptions, stepLength } from './cluster-views.js';
import type { MeshResources } from './model/resources.js';
import type { RouteConfiguration } from './model/route.js';
import { RouteTable } from './router/route-table.js';
import { MeshSnapshot } from './snapshot.js';

/**
 * Makes snapshots out of resources, one after another. Holds what outlives them: the state of addresses and of clusters,
 * and whatever compiled parts the next snapshot can take over because their resource is the same object.
 */
export class SnapshotAssembler {
  readonly #clusters: ClusterViews;
  #previous: { readonly snapshot: MeshSnapshot; readonly resources: MeshResources } | undefined;
  #generation = 0;

  constructor(
    private readonly options: ClusterViewsOptions & {
      /** Tried in order for hosts that no listener names as they are, e.g. `default.svc.cluster.local`. */
      searchDomains: readonly string[];
      /** What this machine is called; default empty. */
      hostname?: string | undefined;
    },
  ) {
    this.#clusters = new ClusterViews(options);
  }

  /** Of a map that is the same object as before nothing is looked at: a change of one endpoint is most often all there is. */
  assemble(resources: MeshResources): MeshSnapshot {
    const steps = this.assembleInSteps(resources);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same in steps of less than a millisecond each. Must be gone through to its end before another snapshot is begun. */
  *assembleInSteps(resources: MeshResources): Generator<void, MeshSnapshot> {
    this.#generation += 1;
    const routeTables = yield* this.#routeTables(resources);
    const clusters = yield* this.#clusters.of(resources);
    const snapshot = new MeshSnapshot({
      generation: this.#generation,
      listeners: resources.listeners,
      routeTables,
      clusters,
      searchDomains: this.options.searchDomains,
      hostname: this.options.hostname,
      problems: resources.problems,
      inbound: this.#inbound(resources),
      former: this.#previous?.snapshot,
    });
    this.#previous = { snapshot, resources };
    return snapshot;
  }

  /** Ends what goes on by itself; the last snapshot stays as it is. */
  close(): void {
    this.#clusters.close();
  }

  #inbound({ inbound }: MeshResources): InboundPolicy | undefined {
    const kept = this.#previous?.snapshot.inbound;
    if (inbound === undefined || kept?.listener === inbound) return inbound && kept;
    return new InboundPolicy(inbound);
  }

  *#routeTables(resources: MeshResources): Generator<void, ReadonlyMap<string, RouteTable>> {
    const { snapshot, resources: before } = this.#previous ?? {};
    const isSame = before?.listeners === resources.listeners && before.routes === resources.routes;
    if (isSame && snapshot !== undefined) return snapshot.routeTables;
    const tables = new Map<string, RouteTable>();
    for (const configuration of routeConfigurations(resources)) {
      const kept = snapshot?.routeTables.get(configuration.name);
      tables.set(configuration.name, kept?.configuration === configuration ? kept : new RouteTable(configuration));
      if (tables.size % stepLength === 0) yield;
    }
    return tables;
  }
}

function routeConfigurations(resources: MeshResources): RouteConfiguration[] {
  const inListeners: RouteConfiguration[] = [];
  for (const { routes } of resources.listeners.values()) if (typeof routes !== 'string') inListeners.push(routes);
  return [...resources.routes.values(), ...inListeners];
}
