import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Cluster,
  emptyResources,
  type Listener,
  MeshError,
  type MeshResources,
  type SnapshotAssembler,
  type SnapshotHolder,
  splitAuthority,
} from '@inmesh/core';
import { dialledHost, dialledListeners } from './dialled-hosts.js';
import type { DnsWatcher } from './dns/index.js';
import { DnsAssignments } from './dns-assignments.js';
import { type HostResources, hostResources, isSameButForEndpoints, joined, withHosts } from './host-clusters.js';
import { inSlices } from './in-slices.js';
import { registryOnly } from './registry-only.js';

/** Hosts outside the configuration that are kept resolved; the one asked for longest ago goes first. */
const maxHosts = 1000;

/** From here on a snapshot takes milliseconds. */
const manyClusters = 500;

interface Host {
  /** The listener that it was dialled by; undefined for a host beyond the configuration. */
  readonly from: string | undefined;
  /** Undefined once the configuration no longer has that listener. */
  readonly resources: (base: MeshResources) => HostResources | undefined;
  ready: Promise<void>;
  isPublished: boolean;
}

/**
 * Joins what the source says, what DNS says, and the hosts that callers asked for beyond the configuration, into snapshots.
 * A new configuration waits for the first answers to its DNS names, so that no route leads to an unresolved cluster.
 */
export class Publisher {
  #base: MeshResources;
  /** Of the base: those whose hosts are resolved when they are dialled. */
  #dialled: ReadonlySet<Listener> = new Set();
  /** The one asked for longest ago comes first. */
  readonly #hosts = new Map<string, Host>();
  readonly #dns: DnsAssignments;
  /** The newest configuration, perhaps still waiting for its names. */
  #next: MeshResources | undefined;
  #nextPublication: Promise<void> | undefined;
  /** Runs while a snapshot is being made in slices: no other may be begun then. */
  #assembly: Promise<void> | undefined;
  /** Counts up with every host that comes or goes. */
  #hostsEpoch = 0;
  /** What was joined last, and of what: its maps stay the same objects, because later stages compare by identity. */
  #joined: { readonly base: MeshResources; readonly hostsEpoch: number; readonly resources: MeshResources } | undefined;
  #closed = false;

  constructor(
    private readonly options: {
      assembler: SnapshotAssembler;
      snapshots: SnapshotHolder;
      dns: DnsWatcher;
      onPublished: () => void;
      /** Whether hosts that the configuration does not name are refused, whatever it says itself. */
      registryOnly?: boolean;
      /** In use until there is a configuration. Default: nothing. */
      first?: MeshResources;
    },
  ) {
    const { first = emptyResources } = options;
    this.#base = first;
    this.#dns = new DnsAssignments(options.dns, () => void this.#publishSoon());
    if (options.registryOnly !== true) return;
    this.#base = registryOnly(first);
    this.#publish();
  }

  /** Takes a new configuration into use, unless a newer one comes while its names are being resolved. */
  async setResources(delivered: MeshResources): Promise<void> {
    if (this.#closed) return;
    const resources = this.options.registryOnly === true ? registryOnly(delivered) : delivered;
    // All its names are resolved already.
    const isReady = this.#next === this.#base && isSameButForEndpoints(resources, this.#base);
    this.#next = resources;
    if (!isReady) await this.#resolve(resources);
    while (this.#assembly !== undefined) await this.#assembly;
    if (this.#next !== resources || this.#closed) return;
    this.#base = resources;
    if (isReady) this.#publish();
    else {
      this.#dns.setClusters(this.#wanted(resources));
      const dialled = dialledListeners(resources);
      // Until the snapshot is there, calls still find the listeners of the one before.
      this.#dialled = new Set([...this.#dialled, ...dialled]);
      await this.#publishInSlices();
      this.#dialled = dialled;
    }
    this.options.onPublished();
  }

  async #resolve(resources: MeshResources): Promise<void> {
    const wanted = this.#wanted(resources);
    this.#dns.setClusters([...this.#wanted(this.#base), ...wanted]);
    await this.#dns.firstAnswers(wanted);
    // The source has put it together in this turn of the event loop; what is made of it takes as long again.
    if (resources.clusters.size > manyClusters) await nextTurn();
  }

  /**
   * Makes a host callable that the configuration does not resolve, or does not name; undefined when the authority is known
   * already.
   * A host that does not resolve fails the call with the reason, not this.
   * @throws MeshError `mesh_closed`, now or later
   */
  prepare(scheme: 'http' | 'https', authority: string): Promise<void> | undefined {
    if (this.#closed) throw meshClosed();
    const found = this.options.snapshots.current.resolve(scheme, authority);
    if (found === undefined) return this.#prepareHost(beyond(scheme, authority), undefined);
    if (this.#dialled.has(found.listener)) return this.#prepareHost(found.name, found.listener.name);
    this.#touch(found.listener.name);
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#dns.close();
  }

  #prepareHost(name: string, from: string | undefined): Promise<void> {
    const known = this.#hosts.get(name);
    if (known !== undefined && known.from === from) return known.ready;
    if (known !== undefined) this.#forget(name, known);
    const resources = from === undefined ? always(hostOf(name)) : dialledHost(from, name);
    const added: Host = { from, resources, isPublished: false, ready: Promise.resolve() };
    this.#hosts.set(name, added);
    this.#hostsEpoch += 1;
    added.ready = this.#addHost(name, added);
    return added.ready;
  }

  async #addHost(name: string, host: Host): Promise<void> {
    const clusters = host.resources(this.#base)?.clusters ?? [];
    for (const cluster of clusters) this.#dns.addCluster(cluster);
    await this.#dns.firstAnswers(clusters);
    await this.#publishSoon();
    if (this.#closed) throw meshClosed();
    host.isPublished = true;
    this.#touch(name);
    this.#forgetOldHosts();
  }

  /** Only near the limit does the order matter, and few processes come near it. */
  #touch(name: string): void {
    if (this.#hosts.size <= maxHosts / 2) return;
    const host = this.#hosts.get(name);
    if (host === undefined) return;
    this.#hosts.delete(name);
    this.#hosts.set(name, host);
  }

  /** Calls wait for those that are not published yet; they are forgotten in their turn. */
  #forgetOldHosts(): void {
    for (const [name, host] of this.#hosts) {
      if (this.#hosts.size <= maxHosts) return;
      if (!host.isPublished) continue;
      this.#forget(name, host);
      void this.#publishSoon();
    }
  }

  #forget(name: string, host: Host): void {
    this.#hosts.delete(name);
    this.#hostsEpoch += 1;
    for (const cluster of host.resources(this.#base)?.clusters ?? []) this.#dns.removeCluster(cluster.name);
  }

  #withHosts(base: MeshResources): MeshResources {
    // A copy of 10,000 clusters is not free.
    if (this.#hosts.size === 0) return base;
    const known = this.#joined;
    if (known?.hostsEpoch === this.#hostsEpoch && isSameButForEndpoints(known.base, base)) {
      return { ...known.resources, assignments: base.assignments, problems: base.problems };
    }
    const resources = withHosts(
      base,
      [...this.#hosts.values()].flatMap((host) => host.resources(base) ?? []),
    );
    this.#joined = { base, hostsEpoch: this.#hostsEpoch, resources };
    return resources;
  }

  /** The clusters whose names are to be resolved. */
  #wanted(base: MeshResources): readonly Cluster[] {
    return dnsClusters(this.#withHosts(base).clusters);
  }

  /** Together with all that changes in this turn of the event loop: a snapshot costs as much as there are hosts. */
  #publishSoon(): Promise<void> {
    this.#nextPublication ??= this.#publishNextTurn();
    return this.#nextPublication;
  }

  async #publishNextTurn(): Promise<void> {
    await nextTurn();
    while (this.#assembly !== undefined) await this.#assembly;
    this.#nextPublication = undefined;
    this.#publish();
  }

  #publish(): void {
    if (this.#closed) return;
    const { assembler, snapshots } = this.options;
    snapshots.replace(assembler.assemble(this.#resources()));
  }

  /** Of thousands of clusters the event loop gets its turn between some and the next; whoever publishes waits for the end. */
  async #publishInSlices(): Promise<void> {
    if (this.#base.clusters.size <= manyClusters) return this.#publish();
    this.#assembly = this.#assembleInSlices();
    try {
      await this.#assembly;
    } finally {
      this.#assembly = undefined;
    }
  }

  async #assembleInSlices(): Promise<void> {
    const { assembler, snapshots } = this.options;
    const snapshot = await inSlices(assembler.assembleInSteps(this.#resources()), () => this.#closed);
    if (snapshot !== undefined) snapshots.replace(snapshot);
  }

  /** With the hosts that were called, and what DNS says now. */
  #resources(): MeshResources {
    const resources = this.#withHosts(this.#base);
    return { ...resources, assignments: joined(resources.assignments, this.#dns.assignments) };
  }
}

const knownDnsClusters = new WeakMap<ReadonlyMap<string, Cluster>, readonly Cluster[]>();

function dnsClusters(clusters: ReadonlyMap<string, Cluster>): readonly Cluster[] {
  let found = knownDnsClusters.get(clusters);
  if (found === undefined) {
    found = [...clusters.values()].filter(({ discovery }) => discovery.kind === 'dns');
    knownDnsClusters.set(clusters, found);
  }
  return found;
}

/** What a host is called that the configuration does not name. */
function beyond(scheme: 'http' | 'https', authority: string): string {
  const { host, port } = splitAuthority(authority);
  return `${host}:${port || (scheme === 'http' ? '80' : '443')}`;
}

function hostOf(name: string): HostResources {
  const colon = name.lastIndexOf(':');
  return hostResources(name.slice(0, colon), Number(name.slice(colon + 1)));
}

function always<T>(value: T): () => T {
  return () => value;
}

function meshClosed(): MeshError {
  return new MeshError('mesh_closed', { message: 'the mesh was closed' });
}
