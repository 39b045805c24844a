import type { InboundPolicy } from './authorization/inbound-policy.js';
import type { ClusterView } from './cluster-view.js';
import { HostResolver, type ResolvedHost } from './host-resolver.js';
import type { Listener } from './model/listener.js';
import type { ResourceProblem } from './model/problem.js';
import { RouteFeatures } from './route-features.js';
import type { RouteTable } from './router/route-table.js';

/** A whole configuration, immutable and consistent. A call keeps the one it began with. */
export class MeshSnapshot {
  /** Counts up with every snapshot of a process. */
  readonly generation: number;
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly routeTables: ReadonlyMap<string, RouteTable>;
  readonly clusters: ReadonlyMap<string, ClusterView>;
  /** What this workload demands of its callers; undefined where it takes whatever comes. */
  readonly inbound: InboundPolicy | undefined;
  /** What this machine is called, for headers that carry it (Envoy `%HOSTNAME%`). */
  readonly hostname: string;
  /** What is wrong with the configuration that this was made of. */
  readonly problems: readonly ResourceProblem[];
  readonly #hosts: HostResolver;
  readonly #features: RouteFeatures;
  #problemsByName: Map<string, ResourceProblem> | undefined;

  constructor(init: {
    generation: number;
    listeners: ReadonlyMap<string, Listener>;
    routeTables: ReadonlyMap<string, RouteTable>;
    clusters: ReadonlyMap<string, ClusterView>;
    searchDomains: readonly string[];
    hostname?: string | undefined;
    problems?: readonly ResourceProblem[] | undefined;
    inbound?: InboundPolicy | undefined;
    /** What it made of the very same listeners and route tables is taken over. */
    former?: MeshSnapshot | undefined;
  }) {
    this.generation = init.generation;
    this.listeners = init.listeners;
    this.routeTables = init.routeTables;
    this.clusters = init.clusters;
    this.hostname = init.hostname ?? '';
    this.problems = init.problems ?? [];
    this.inbound = init.inbound;
    const { former, listeners, routeTables } = init;
    const isSame = former?.listeners === listeners && former.routeTables === routeTables;
    this.#hosts = isSame ? former.#hosts : new HostResolver(listeners, routeTables, init.searchDomains);
    this.#features = isSame ? former.#features : new RouteFeatures(routeTables);
  }

  /** What an authority means here; undefined when the configuration does not know it. */
  resolve(scheme: 'http' | 'https', authority: string): ResolvedHost | undefined {
    return this.#hosts.resolve(scheme, authority);
  }

  /** Asked when a call has failed, to tell why. */
  problemOf(kind: ResourceProblem['kind'], name: string): ResourceProblem | undefined {
    if (this.problems.length === 0) return undefined;
    this.#problemsByName ??= new Map(this.problems.map((problem) => [`${problem.kind} ${problem.name}`, problem]));
    return this.#problemsByName.get(`${kind} ${name}`);
  }

  /** Lower-case names of the headers that some route matches on, pseudo headers left out. */
  get routingHeaders(): readonly string[] {
    return this.#features.routingHeaders;
  }

  /** Whether any route limits calls where they arrive: without one, nothing is looked up for an incoming call. */
  get hasInboundLimits(): boolean {
    return this.#features.hasInboundLimits;
  }

  /** Whether any route has a CORS policy. */
  get hasCors(): boolean {
    return this.#features.hasCors;
  }
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
