import type { Cluster, ClusterLoadAssignment, DnsHost, DnsPlace, Endpoint, LocalityEndpoints } from '@inmesh/core';
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
    const stale = [...this.#watched.values()].filter(({ cluster }) => wanted.get(cluster.name) !== cluster);
    for (const { cluster } of stale) this.#watched.delete(cluster.name);
    for (const [name, cluster] of wanted) if (!this.#watched.has(name)) this.#watch(cluster);
    // Last, so that what a cluster that changed knows of its names is known to its successor.
    for (const { subscriptions } of stale) for (const subscription of subscriptions) subscription.close();
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
      const { state } = subscription;
      if (state.kind === 'resolved' || state.kind === 'stale') watched.endpoints[index] = state.endpoints;
    });
    watched.assignment = assignmentOf(cluster, watched.endpoints);
  }

  #forget(name: string, watched: WatchedCluster): void {
    for (const subscription of watched.subscriptions) subscription.close();
    this.#watched.delete(name);
  }
}

function hostsOf({ discovery }: Cluster): readonly DnsHost[] {
  return discovery.kind === 'dns' ? discovery.hosts : [];
}

interface Placed {
  readonly place: DnsPlace;
  readonly endpoint: Endpoint;
  /** Of the SRV record: it counts within the priority that the configuration gives. */
  readonly srvPriority: number;
}

const nowhere: DnsPlace = { region: '', zone: '', subZone: '', priority: 0, localityWeight: 1, weight: 1 };

function assignmentOf(
  cluster: Cluster,
  answers: readonly (readonly DnsEndpoint[] | undefined)[],
): ClusterLoadAssignment {
  const logical = cluster.discovery.kind === 'dns' && cluster.discovery.logical;
  const all = hostsOf(cluster).flatMap((host, index) => (answers[index] ?? []).map((found) => placed(host, found)));
  const used = uniqueByAddress(logical ? all.slice(0, 1) : all.sort(byPriority));
  const ranks = [...new Set(used.map(rankOf))];
  const groups = new Map<string, Placed[]>();
  for (const one of used) {
    const key = `${rankOf(one)} ${one.place.region}/${one.place.zone}/${one.place.subZone}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  const localities = [...groups.values()].map((group) => localityOf(group, ranks));
  return Object.freeze({ clusterName: cluster.name, localities });
}

function placed({ hostname, place = nowhere }: DnsHost, found: DnsEndpoint): Placed {
  const { address, host, port, priority: srvPriority } = found;
  const weight = Math.max(1, found.weight) * place.weight;
  return {
    place,
    srvPriority,
    endpoint: { hostname, address, host, port, health: 'healthy', weight, workload: undefined, meshTls: false },
  };
}

function localityOf(group: readonly Placed[], ranks: readonly string[]): LocalityEndpoints {
  const { region, zone, subZone, localityWeight } = group[0]!.place;
  const endpoints = group.map(({ endpoint }) => endpoint);
  return { region, zone, subZone, priority: ranks.indexOf(rankOf(group[0]!)), weight: localityWeight, endpoints };
}

function byPriority(a: Placed, b: Placed): number {
  return a.place.priority - b.place.priority || a.srvPriority - b.srvPriority;
}

function rankOf({ place, srvPriority }: Placed): string {
  return `${place.priority} ${srvPriority}`;
}

/** Of an address that several names have, the first and so the highest counts. */
function uniqueByAddress(found: readonly Placed[]): Placed[] {
  const seen = new Set<string>();
  return found.filter(({ endpoint: { address } }) => {
    const isNew = !seen.has(address);
    seen.add(address);
    return isNew;
  });
}
