import type { Client } from '../client.js';
import { didYouMean } from '../nearest.js';
import type { Place } from '../place.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { EntryPort, ServiceEntry, Workload } from '../schema/service-entry.js';
import { asDialled } from './dialled.js';
import { isWildcard } from './hosts.js';
import { isIpAddress } from './ip-address.js';
import { trafficDistributionAnnotation } from './locality-settings.js';
import {
  type Discovery,
  type Locality,
  type MeshEndpoint,
  type MeshPort,
  type MeshService,
  nowhere,
} from './mesh-service.js';
import { protocolNamed } from './protocol.js';
import { isExportedTo } from './visibility.js';
import { describeWorkload, hasLabels, type PodIndex, type WorkloadIdentity } from './workloads.js';

type Entry = ReadObject<ServiceEntry>;

/** What a ServiceEntry selects its endpoints from. */
export interface Workloads {
  readonly pods: PodIndex;
  readonly entries: ObjectsByKind['WorkloadEntry'];
}

const discoveries: Readonly<Record<string, Discovery>> = {
  NONE: 'dialled',
  DYNAMIC_DNS: 'dialled',
  STATIC: 'eds',
  DNS: 'strictDns',
  DNS_ROUND_ROBIN: 'logicalDns',
};

/** A service for each host of a ServiceEntry. */
export function translateServiceEntry(entry: Entry, workloads: Workloads, client: Client): MeshService[] {
  const { spec } = entry.body;
  const place = entry.place.at('spec');
  const discovery = discoveries[spec.resolution ?? 'NONE']!;
  const isHidden = !isExportedTo(spec.exportTo, entry.namespace, client);
  checkPortNames(entry);
  const candidates = candidatesOf(entry, workloads);
  checkCandidates(candidates, discovery, place);
  return spec.hosts.map((written, index) => {
    const host = written.toLowerCase();
    checkHost(host, discovery, candidates, place.at('hosts', index));
    const ports = (spec.ports ?? []).flatMap((port, at) =>
      translatePort(port, host, discovery, candidates, place.at('ports', at)),
    );
    const trafficDistribution = entry.metadata.annotations?.[trafficDistributionAnnotation];
    const { namespace } = entry;
    return {
      host,
      name: host,
      namespace,
      aliases: [],
      ports,
      isHidden,
      trafficDistribution,
      isExternal: spec.location !== 'MESH_INTERNAL',
      subjectAltNames: spec.subjectAltNames ?? [],
      place: entry.place,
    };
  });
}

function checkPortNames({ body: { spec }, place }: Entry): void {
  const names = new Set((spec.ports ?? []).map(({ name = '' }) => name));
  for (const [index, { ports = {} }] of (spec.endpoints ?? []).entries()) {
    for (const name of Object.keys(ports).filter((name) => !names.has(name))) {
      const at = place.at('spec', 'endpoints', index, 'ports', name);
      at.error(`the entry has no port of the name "${name}"`, didYouMean(name, names));
    }
  }
}

interface Candidate {
  readonly workload: Workload;
  readonly address: string;
  readonly description: string | undefined;
  readonly identity: WorkloadIdentity | undefined;
  readonly place: Place;
}

function candidatesOf(entry: Entry, { pods, entries }: Workloads): Candidate[] {
  const { spec } = entry.body;
  const written = (spec.endpoints ?? []).map((workload, index) =>
    candidate(workload, entry, entry.place.at('spec', 'endpoints', index)),
  );
  const selector = spec.workloadSelector?.labels;
  if (selector === undefined) return written;
  const selectedEntries = entries
    .filter(({ namespace, body }) => namespace === entry.namespace && hasLabels(body.spec.labels ?? {}, selector))
    .map((found) => candidate(found.body.spec, found, found.place.at('spec')));
  const selectedPods = pods.selected(entry.namespace, selector).map(({ workload, address }) => ({
    workload: { labels: workload.labels },
    address,
    description: workload.description,
    identity: workload.identity,
    place: entry.place.at('spec', 'workloadSelector'),
  }));
  return [...written, ...selectedEntries, ...selectedPods];
}

function candidate(workload: Workload, { name, namespace }: ReadObject<unknown>, place: Place): Candidate {
  const { labels } = workload;
  return {
    workload,
    address: workload.address ?? '',
    description: labels && describeWorkload(labels.app ?? name, namespace, labels),
    identity: workload.serviceAccount ? { namespace, serviceAccount: workload.serviceAccount } : undefined,
    place,
  };
}

const maxTotalWeight = 0xffff_ffff;

function checkCandidates(candidates: readonly Candidate[], discovery: Discovery, place: Place): void {
  const weights = candidates.reduce((sum, { workload }) => sum + (workload.weight ?? 1), 0);
  if (weights > maxTotalWeight)
    place.error(`the weights of its endpoints sum to ${weights}, more than ${maxTotalWeight}`);
  for (const { address, place: at } of candidates) {
    if (address === '') at.at('address').error('is missing');
    else if (address.startsWith('unix://')) at.at('address').error('Unix domain sockets are not supported');
    else if (discovery === 'eds' && !isIpAddress(address)) {
      at.at('address').error(`"${address}" is not an IP address`, 'names need resolution: DNS');
    }
  }
  if (discovery === 'dialled' && candidates.length > 0) {
    place.at('endpoints').error('calls go to what was dialled, not to endpoints', 'use resolution: STATIC or DNS');
  }
  if (discovery === 'logicalDns' && candidates.length > 1) {
    place.at('endpoints').error('DNS_ROUND_ROBIN takes one endpoint at most', 'use resolution: DNS');
  }
}

function checkHost(host: string, discovery: Discovery, candidates: readonly Candidate[], place: Place): void {
  if (discovery === 'eds' || discovery === 'dialled' || candidates.length > 0 || !isWildcard(host)) return;
  place.error(`"${host}" cannot be resolved by DNS`, 'give endpoints, or name the host');
}

function translatePort(
  port: EntryPort,
  host: string,
  discovery: Discovery,
  candidates: readonly Candidate[],
  place: Place,
): MeshPort[] {
  const protocol = protocolNamed(port.protocol ?? '');
  if (protocol === undefined) {
    place.at('protocol').error(`"${port.protocol}" is none of HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP, TLS`);
    return [];
  }
  const named = { number: port.number, name: port.name ?? '', protocol };
  if (discovery === 'dialled') return [{ ...named, ...asDialled(host, port.number) }];
  // Without endpoints the host's own name is what DNS resolves.
  const found: readonly Candidate[] =
    candidates.length === 0 && discovery !== 'eds'
      ? [{ workload: {}, address: host, description: undefined, identity: undefined, place }]
      : candidates;
  const endpoints = found.filter(isUsable(discovery)).map((one) => translateEndpoint(one, port));
  return [{ ...named, discovery, endpoints: eachOnce(endpoints) }];
}

function isUsable(discovery: Discovery): (candidate: Candidate) => boolean {
  return ({ address }) => address !== '' && (discovery !== 'eds' || isIpAddress(address));
}

function translateEndpoint({ workload, address, description, identity }: Candidate, port: EntryPort): MeshEndpoint {
  return {
    address,
    port: workload.ports?.[port.name ?? ''] ?? port.targetPort ?? port.number,
    draining: false,
    // Istio: 0 is the same as not given.
    weight: workload.weight || undefined,
    locality: localityOf(workload.locality),
    labels: workload.labels,
    workload: description,
    identity,
  };
}

/** Clients refuse an assignment that has an address twice. */
function eachOnce(endpoints: readonly MeshEndpoint[]): MeshEndpoint[] {
  return [...new Map(endpoints.map((endpoint) => [`${endpoint.address} ${endpoint.port}`, endpoint])).values()];
}

function localityOf(written: string | undefined): Locality {
  if (written === undefined) return nowhere;
  const [region = '', zone = '', subZone = ''] = written.split('/');
  return { region, zone, subZone };
}
