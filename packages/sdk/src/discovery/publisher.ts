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
import type { DnsWatcher } from './dns/index.js';
import { DnsAssignments } from './dns-assignments.js';
import { hostResources, withHosts } from './host-clusters.js';

/** Hosts outside the configuration that are kept resolved; the one asked for longest ago goes first. */
const maxHosts = 1000;

interface Host {
  readonly listener: Listener;
  readonly cluster: Cluster;
  ready: Promise<void>;
  isPublished: boolean;
}

/**
 * Joins what the source says, what DNS says, and the hosts that callers asked for beyond the configuration, into snapshots.
 * A new configuration waits for the first answers to its DNS names, so that no route leads to an unresolved cluster.
 */
export class Publisher {
  #base: MeshResources = emptyResources;
  /** The one asked for longest ago comes first. */
  readonly #hosts = new Map<string, Host>();
  readonly #dns: DnsAssignments;
  /** The newest configuration, perhaps still waiting for its names. */
  #next: MeshResources | undefined;
  #nextPublication: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly options: {
      assembler: SnapshotAssembler;
      snapshots: SnapshotHolder;
      dns: DnsWatcher;
      onPublished: () => void;
    },
  ) {
    this.#dns = new DnsAssignments(options.dns, () => void this.#publishSoon());
  }

  /** Takes a new configuration into use, unless a newer one comes while its names are being resolved. */
  async setResources(resources: MeshResources): Promise<void> {
    this.#next = resources;
    this.#dns.setClusters([...this.#wanted(this.#base), ...resources.clusters.values()]);
    await this.#dns.firstAnswers(resources.clusters.values());
    if (this.#next !== resources || this.#closed) return;
    this.#base = resources;
    this.#dns.setClusters(this.#wanted(resources));
    this.#publish();
    this.options.onPublished();
  }

  /**
   * Makes a host outside the configuration callable; undefined when the authority is known already.
   * A host that does not resolve fails the call with the reason, not this.
   * @throws MeshError `mesh_closed`, now or later
   */
  prepare(scheme: 'http' | 'https', authority: string): Promise<void> | undefined {
    if (this.#closed) throw meshClosed();
    const listener = this.options.snapshots.current.resolve(scheme, authority)?.listener;
    if (listener !== undefined) {
      if (listener.passthrough === true) this.#touch(listener.name);
      return undefined;
    }
    const { host, port } = splitAuthority(authority);
    const name = `${host}:${port || (scheme === 'http' ? '80' : '443')}`;
    const known = this.#hosts.get(name);
    if (known !== undefined) return known.ready;
    const resources = hostResources(host, Number(name.slice(host.length + 1)));
    const added: Host = { ...resources, isPublished: false, ready: Promise.resolve() };
    this.#hosts.set(name, added);
    added.ready = this.#addHost(name, added);
    return added.ready;
  }

  close(): void {
    this.#closed = true;
    this.#dns.close();
  }

  async #addHost(name: string, host: Host): Promise<void> {
    this.#dns.addCluster(host.cluster);
    await this.#dns.firstAnswers([host.cluster]);
    await this.#publishSoon();
    if (this.#closed) throw meshClosed();
    host.isPublished = true;
    this.#touch(name);
    this.#forgetOldHosts();
  }

  /** Only near the limit does the order matter, and few processes come near it. */
  #touch(name: string): void {
    const host = this.#hosts.get(name);
    if (host === undefined || this.#hosts.size <= maxHosts / 2) return;
    this.#hosts.delete(name);
    this.#hosts.set(name, host);
  }

  /** Calls wait for those that are not published yet; they are forgotten in their turn. */
  #forgetOldHosts(): void {
    for (const [name, { isPublished, cluster }] of this.#hosts) {
      if (this.#hosts.size <= maxHosts) return;
      if (!isPublished) continue;
      this.#hosts.delete(name);
      this.#dns.removeCluster(cluster.name);
      void this.#publishSoon();
    }
  }

  #wanted(base: MeshResources): Cluster[] {
    return [...withHosts(base, this.#hosts.values()).clusters.values()];
  }

  /** Together with all that changes in this turn of the event loop: a snapshot costs as much as there are hosts. */
  #publishSoon(): Promise<void> {
    this.#nextPublication ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#nextPublication = undefined;
        this.#publish();
        resolve();
      });
    });
    return this.#nextPublication;
  }

  #publish(): void {
    if (this.#closed) return;
    const { assembler, snapshots } = this.options;
    const resources = withHosts(this.#base, this.#hosts.values());
    const assignments = new Map([...resources.assignments, ...this.#dns.assignments]);
    snapshots.replace(assembler.assemble({ ...resources, assignments }));
  }
}

function meshClosed(): MeshError {
  return new MeshError('mesh_closed', { message: 'the mesh was closed' });
}
