import type { Cluster, ClusterLoadAssignment, DnsHost, Endpoint } from '@inmesh/core';
import type { DnsEndpoint, DnsWatcher } from './dns/index.js';

interface WatchedCluster {
  readonly cluster: Cluster;
  readonly endpoints: (readonly DnsEndpoint[] | undefined)[];
  readonly subscriptions: { close(): void }[];
  assignment: ClusterLoadAssignment;
}

/** Keeps the endpoints of the DNS clusters of a configuration: what each name resolves to now. */
export class DnsAssignments {
  readonly #watched = new Map<string, WatchedCluster>();

  constructor(
    private readonly dns: DnsWatcher,
    private readonly onChange: () => void,
  ) {}

  /** Watches exactly these clusters' names; a cluster that is the same object as before is left alone. */
  setClusters(clusters: Iterable<Cluster>): void {
    const wanted = new Map<string, Cluster>();
    for (const cluster of clusters) if (cluster.discovery.kind === 'dns') wanted.set(cluster.name, cluster);
    for (const [name, watched] of this.#watched) if (wanted.get(name) !== watched.cluster) this.#forget(name, watched);
    for (const [name, cluster] of wanted) if (!this.#watched.has(name)) this.#watch(cluster);
  }

  /** Until the next `setClusters`, which must name it too. */
  addCluster(cluster: Cluster): void {
    if (!this.#watched.has(cluster.name)) this.#watch(cluster);
  }

  removeCluster(name: string): void {
    const watched = this.#watched.get(name);
    if (watched !== undefined) this.#forget(name, watched);
  }

  /** Settles when every name of these clusters has been answered once, well or badly. */
  async firstAnswers(clusters: Iterable<Cluster>): Promise<void> {
    await Promise.all([...clusters].flatMap(hostsOf).map((target) => this.dns.firstResult(target)));
  }

  get assignments(): Map<string, ClusterLoadAssignment> {
    return new Map([...this.#watched].map(([name, watched]) => [name, watched.assignment]));
  }

  close(): void {
    for (const [name, watched] of this.#watched) this.#forget(name, watched);
  }

  #watch(cluster: Cluster): void {
    const hosts = hostsOf(cluster);
    const watched: WatchedCluster = {
      cluster,
      endpoints: hosts.map(() => undefined),
      subscriptions: [],
      assignment: assignmentOf(cluster, []),
    };
    this.#watched.set(cluster.name, watched);
    hosts.forEach((host, index) => {
      const subscription = this.dns.watch(host, (endpoints) => {
        watched.endpoints[index] = endpoints;
        watched.assignment = assignmentOf(cluster, watched.endpoints);
        this.onChange();
      });
      watched.subscriptions.push(subscription);
    });
  }

  #forget(name: string, watched: WatchedCluster): void {
    for (const subscription of watched.subscriptions) subscription.close();
    this.#watched.delete(name);
  }
}

function hostsOf({ discovery }: Cluster): readonly DnsHost[] {
  return discovery.kind === 'dns' ? discovery.hosts : [];
}

function assignmentOf(
  cluster: Cluster,
  answers: readonly (readonly DnsEndpoint[] | undefined)[],
): ClusterLoadAssignment {
  const logical = cluster.discovery.kind === 'dns' && cluster.discovery.logical;
  const all = answers.flatMap((answer) => answer ?? []);
  const used = logical ? all.slice(0, 1) : all;
  const priorities = [...new Set(used.map((endpoint) => endpoint.priority))].sort((a, b) => a - b);
  return Object.freeze({
    clusterName: cluster.name,
    localities: priorities.map((priority, rank) => ({
      region: '',
      zone: '',
      subZone: '',
      priority: rank,
      weight: 1,
      endpoints: uniqueByAddress(used.filter((endpoint) => endpoint.priority === priority)).map(toEndpoint),
    })),
  });
}

function uniqueByAddress(endpoints: readonly DnsEndpoint[]): DnsEndpoint[] {
  return [...new Map(endpoints.map((endpoint) => [endpoint.address, endpoint])).values()];
}

function toEndpoint({ address, host, port, weight }: DnsEndpoint): Endpoint {
  return { address, host, port, health: 'healthy', weight: Math.max(1, weight), workload: undefined };
}
