import {
  type Cluster,
  emptyResources,
  type Listener,
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

/**
 * Joins what the source says, what DNS says, and the hosts that callers asked for beyond the configuration, into snapshots.
 * A new configuration waits for the first answers to its DNS names, so that no route leads to an unresolved cluster.
 */
export class Publisher {
  #base: MeshResources = emptyResources;
  readonly #hosts = new Map<string, { listener: Listener; cluster: Cluster; ready: Promise<void> }>();
  readonly #dns: DnsAssignments;
  /** The newest configuration, perhaps still waiting for its names. */
  #next: MeshResources | undefined;
  #closed = false;

  constructor(
    private readonly options: {
      assembler: SnapshotAssembler;
      snapshots: SnapshotHolder;
      dns: DnsWatcher;
      onPublished: () => void;
    },
  ) {
    this.#dns = new DnsAssignments(options.dns, () => this.#publish());
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
   * Never rejects: a host that does not resolve fails the call with the reason.
   */
  prepare(scheme: 'http' | 'https', authority: string): Promise<void> | undefined {
    if (this.options.snapshots.current.resolve(scheme, authority) !== undefined) return undefined;
    const { host, port } = splitAuthority(authority);
    const name = `${host}:${port || (scheme === 'http' ? '80' : '443')}`;
    const known = this.#hosts.get(name);
    if (known !== undefined) return known.ready;
    const added = { ...hostResources(host, Number(name.slice(host.length + 1))), ready: Promise.resolve() };
    this.#hosts.set(name, added);
    if (this.#hosts.size > maxHosts) this.#hosts.delete(this.#hosts.keys().next().value!);
    added.ready = this.#addHost(added.cluster);
    return added.ready;
  }

  close(): void {
    this.#closed = true;
    this.#dns.close();
  }

  async #addHost(cluster: Cluster): Promise<void> {
    this.#dns.setClusters([...this.#wanted(this.#base), ...(this.#next?.clusters.values() ?? [])]);
    await this.#dns.firstAnswers([cluster]);
    this.#publish();
  }

  #wanted(base: MeshResources): Cluster[] {
    return [...withHosts(base, this.#hosts.values()).clusters.values()];
  }

  #publish(): void {
    if (this.#closed) return;
    const { assembler, snapshots } = this.options;
    const resources = withHosts(this.#base, this.#hosts.values());
    const assignments = new Map([...resources.assignments, ...this.#dns.assignments]);
    snapshots.replace(assembler.assemble({ ...resources, assignments }));
  }
}
