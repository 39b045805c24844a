import { type Memory, sameItems } from '../memory.js';
import { nearest } from '../nearest.js';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind } from '../read-objects.js';
import { SliceIndex } from './endpoint-slices.js';
import { matchesWildcard, wildcardsOf } from './hosts.js';
import type { MeshPort, MeshService } from './mesh-service.js';
import type { NodeIndex } from './nodes.js';
import { translateServiceEntry } from './service-entry.js';
import { translateServices } from './services.js';
import type { PodIndex } from './workloads.js';

/** Looking for a near name takes a comparison with every host, and one mistake can be made a thousand times. */
const maxHints = 50;
const maxComparisons = 100_000;

/** Every host of the mesh. */
export class Registry {
  readonly #services = new Map<string, MeshService>();
  readonly #hints = new Map<string, string>();
  #sorted: MeshService[] | undefined;

  constructor(private readonly memory: Memory) {}

  add(service: MeshService): void {
    this.#sorted = undefined;
    const other = this.#services.get(service.host);
    if (other === undefined || (other.isHidden === true && service.isHidden !== true)) {
      this.#services.set(service.host, service);
    } else if (service.isHidden !== true || other.isHidden === true) {
      const merged = this.memory.recall(service, 'merged', [other], () => merge(other, service));
      this.#services.set(service.host, merged);
    }
  }

  whyUnknown(host: string): string {
    return `no Service and no ServiceEntry has the host "${host}"`;
  }

  /** Of this very name, or of the wildcard of a ServiceEntry. */
  find(host: string): MeshService | undefined {
    return this.memory.ask('registry', (registry) => registry.#find(host));
  }

  #find(host: string): MeshService | undefined {
    const exact = this.#services.get(host);
    if (exact !== undefined) return exact;
    for (const wildcard of wildcardsOf(host)) {
      const found = this.#services.get(wildcard);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All that a host name with or without a wildcard means. */
  matching(host: string): MeshService[] {
    return this.memory.ask('registry', (registry) => registry.#matching(host), sameItems);
  }

  #matching(host: string): MeshService[] {
    const exact = this.#services.get(host);
    if (exact !== undefined || !host.startsWith('*')) return exact === undefined ? [] : [exact];
    return this.sorted().filter((service) => matchesWildcard(host, service.host));
  }

  /** By host, so that equal input gives equal output. */
  sorted(): MeshService[] {
    this.#sorted ??= [...this.#services.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
    return this.#sorted;
  }

  /** What to write instead of a host that is not there. @param place where it is written */
  hintFor(host: string, { clusterDomain }: Pick<Settings, 'clusterDomain'>, place: Place): string | undefined {
    const only = place.hintsOnlyOf;
    return this.memory.ask('registry', (registry) => registry.#hintFor(host, clusterDomain, only));
  }

  #hintFor(host: string, clusterDomain: string, only: string | undefined): string | undefined {
    const longer = [`${host}.svc.${clusterDomain}`, `${host}.${clusterDomain}`].find((name) => {
      const service = this.#services.get(name);
      return service !== undefined && (only === undefined || service.namespace === only);
    });
    if (longer !== undefined) return `did you mean "${longer}"?`;
    const key = `${only ?? ''}|${host}`;
    const known = this.#hints.get(key);
    if (known !== undefined || this.#hints.size >= this.#mostHints) return known;
    const hint = this.#nearestTo(host, only);
    this.#hints.set(key, hint);
    return hint;
  }

  get #mostHints(): number {
    return Math.min(maxHints, Math.ceil(maxComparisons / (this.#services.size + 1)));
  }

  #nearestTo(host: string, only: string | undefined): string {
    const services = this.sorted().filter(({ namespace }) => only === undefined || namespace === only);
    const hosts = services.map((service) => service.host);
    const found = nearest(host, hosts) ?? sameName(host, services);
    if (found !== undefined) return `did you mean "${found}"?`;
    if (hosts.length === 0) {
      return `no Service and no ServiceEntry is known${only === undefined ? '' : ` in the namespace ${only}`}`;
    }
    return `known: ${hosts.slice(0, 5).join(', ')}${hosts.length > 5 ? ` and ${hosts.length - 5} more` : ''}`;
  }
}

/** A Service of the same name in another namespace. */
function sameName(host: string, services: readonly MeshService[]): string | undefined {
  const name = host.split('.')[0];
  return services.find((service) => service.name === name)?.host;
}

/** Istio merges the ports of entries for one host; of a port that is there twice, the older one counts. */
function merge(older: MeshService, younger: MeshService): MeshService {
  const isNew = (port: MeshPort) => !older.ports.some(({ number }) => number === port.number);
  const taken = younger.ports.filter((port) => !isNew(port)).map(({ number }) => number);
  if (taken.length > 0) {
    const ports = taken.join(', ');
    younger.place
      .at('spec', 'hosts')
      .warn(`${younger.host} has port ${ports} in ${older.place.reference} already: ignored`);
  }
  return { ...older, ports: [...older.ports, ...younger.ports.filter(isNew)] };
}

export function buildRegistry(
  objects: ObjectsByKind,
  { pods, nodes }: { readonly pods: PodIndex; readonly nodes: NodeIndex },
  settings: Settings,
): Registry {
  const { memory, client } = settings;
  const registry = new Registry(memory);
  const slices = new SliceIndex(objects.EndpointSlice, pods, nodes);
  for (const service of translateServices(objects.Service, slices, settings)) registry.add(service);
  const workloads = { pods, entries: objects.WorkloadEntry };
  for (const entry of objects.ServiceEntry) {
    // Without a selector it has nothing from others.
    const inputs = entry.body.spec.workloadSelector === undefined ? [] : [workloads.entries];
    const services = memory.recall(entry, 'services', inputs, () => translateServiceEntry(entry, workloads, client));
    for (const service of services) registry.add(service);
  }
  return registry;
}
