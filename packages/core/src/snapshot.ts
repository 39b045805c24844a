import type { ClusterView } from './cluster-view.js';
import { HostResolver, type ResolvedHost } from './host-resolver.js';
import type { Listener } from './model/listener.js';
import type { RouteConfiguration } from './model/route.js';
import type { RouteTable } from './router/route-table.js';

/** A whole configuration, immutable and consistent. A call keeps the one it began with. */
export class MeshSnapshot {
  /** Counts up with every snapshot of a process. */
  readonly generation: number;
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly routeTables: ReadonlyMap<string, RouteTable>;
  readonly clusters: ReadonlyMap<string, ClusterView>;
  readonly #hosts: HostResolver;
  #routingHeaders: readonly string[] | undefined;

  constructor(init: {
    generation: number;
    listeners: ReadonlyMap<string, Listener>;
    routeTables: ReadonlyMap<string, RouteTable>;
    clusters: ReadonlyMap<string, ClusterView>;
    searchDomains: readonly string[];
  }) {
    this.generation = init.generation;
    this.listeners = init.listeners;
    this.routeTables = init.routeTables;
    this.clusters = init.clusters;
    this.#hosts = new HostResolver(init.listeners, init.routeTables, init.searchDomains);
  }

  /** What an authority means here; undefined when the configuration does not know it. */
  resolve(scheme: 'http' | 'https', authority: string): ResolvedHost | undefined {
    return this.#hosts.resolve(scheme, authority);
  }

  /** Lower-case names of the headers that some route matches on, pseudo headers left out. */
  get routingHeaders(): readonly string[] {
    this.#routingHeaders ??= [
      ...new Set([...this.routeTables.values()].flatMap((table) => headersOf(table.configuration))),
    ];
    return this.#routingHeaders;
  }
}

const headersOfConfiguration = new WeakMap<RouteConfiguration, string[]>();

function headersOf(configuration: RouteConfiguration): string[] {
  let names = headersOfConfiguration.get(configuration);
  if (names === undefined) {
    const matchers = configuration.virtualHosts.flatMap((host) => host.routes.flatMap((route) => route.match.headers));
    names = matchers.map((matcher) => matcher.name).filter((name) => !name.startsWith(':'));
    headersOfConfiguration.set(configuration, names);
  }
  return names;
}

/** The current snapshot: one pointer, swapped whole. */
export class SnapshotHolder {
  #current: MeshSnapshot;
  readonly #listeners = new Set<(snapshot: MeshSnapshot) => void>();

  constructor(initial: MeshSnapshot) {
    this.#current = initial;
  }

  get current(): MeshSnapshot {
    return this.#current;
  }

  replace(next: MeshSnapshot): void {
    this.#current = next;
    for (const listener of this.#listeners) listener(next);
  }

  /** Returns what ends the listening. */
  onChange(listener: (snapshot: MeshSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
