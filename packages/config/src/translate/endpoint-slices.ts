import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { EndpointSlice, Service, ServicePort, SliceEndpoint } from '../schema/kubernetes.js';
import { isIpAddress } from './ip-address.js';
import type { MeshEndpoint } from './mesh-service.js';
import type { NodeIndex } from './nodes.js';
import type { Labels, PodIndex, Workload } from './workloads.js';

type Slice = ReadObject<EndpointSlice>;

/** EndpointSlices by the Service that they belong to. */
export class SliceIndex {
  readonly #slices = new Map<string, Slice[]>();

  constructor(
    slices: ObjectsByKind['EndpointSlice'],
    private readonly pods: PodIndex,
    private readonly nodes: NodeIndex,
  ) {
    for (const slice of slices) this.#add(slice);
  }

  of({ namespace, name }: ReadObject<Service>): readonly Slice[] {
    return this.#slices.get(`${namespace}/${name}`) ?? [];
  }

  hasAny(service: ReadObject<Service>): boolean {
    return this.of(service).length > 0;
  }

  /** The endpoints of a port, each address once, sorted. */
  endpointsOf(service: ReadObject<Service>, port: ServicePort): MeshEndpoint[] {
    const found = new Map<string, MeshEndpoint>();
    for (const slice of primaryFamily(this.of(service), service.body)) {
      const number = portOf(slice.body, port);
      if (number === undefined) continue;
      for (const endpoint of this.#read(slice, number)) {
        const key = `${endpoint.address} ${endpoint.port}`;
        // An endpoint may be in two slices for a while; where they differ, the one that takes requests counts.
        if (found.get(key)?.draining !== false) found.set(key, endpoint);
      }
    }
    return [...found.values()].sort((a, b) =>
      a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1,
    );
  }

  /** Of the endpoints that are not ready, as far as they are known. */
  unreadyLabelsOf(service: ReadObject<Service>): Labels[] {
    return this.of(service).flatMap(({ body, namespace }) =>
      (body.endpoints ?? [])
        .filter((endpoint) => healthOf(endpoint) === 'unready')
        .map((endpoint) => this.#workloadOf(endpoint, namespace, endpoint.addresses[0])?.labels)
        .filter((labels) => labels !== undefined),
    );
  }

  #add(slice: Slice): void {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service === undefined) {
      slice.place
        .at('metadata', 'labels')
        .warn('the slice belongs to no Service: ignored', 'add the label kubernetes.io/service-name');
    } else if (slice.body.addressType === 'FQDN') {
      slice.place.at('addressType').warn('slices of names are not used: ignored');
    } else {
      const key = `${slice.namespace}/${service}`;
      const known = this.#slices.get(key);
      if (known === undefined) this.#slices.set(key, [slice]);
      else known.push(slice);
    }
  }

  *#read({ body, namespace, place }: Slice, port: number): Generator<MeshEndpoint> {
    for (const [index, endpoint] of (body.endpoints ?? []).entries()) {
      const health = healthOf(endpoint);
      // Addresses of one endpoint are interchangeable; consumers may take the first (EndpointSlice API).
      const [address] = endpoint.addresses;
      if (health === 'unready' || address === undefined) continue;
      if (!isIpAddress(address)) {
        place.at('endpoints', index, 'addresses', 0).error(`"${address}" is not an IP address`);
        continue;
      }
      const workload = this.#workloadOf(endpoint, namespace, address);
      yield {
        address,
        port,
        draining: health === 'draining',
        weight: undefined,
        locality: this.nodes.localityOf(endpoint.nodeName, endpoint.zone),
        nodeName: endpoint.nodeName,
        hints: hintsOf(endpoint),
        labels: workload?.labels,
        workload: workload?.description,
        identity: workload?.identity,
      };
    }
  }

  #workloadOf({ targetRef }: SliceEndpoint, namespace: string, address = ''): Workload | undefined {
    if (targetRef?.name === undefined) return this.pods.at(address);
    if (targetRef.kind !== undefined && targetRef.kind !== 'Pod') return undefined;
    return this.pods.named(targetRef.namespace ?? namespace, targetRef.name);
  }
}

function hintsOf({ hints }: SliceEndpoint): MeshEndpoint['hints'] {
  if (hints === undefined) return undefined;
  const { forZones = [], forNodes = [] } = hints;
  return { zones: forZones.map(({ name }) => name), nodes: forNodes.map(({ name }) => name) };
}

/** Without conditions an endpoint is ready; one that serves to its end is drained (EndpointSlice API). */
function healthOf({ conditions }: SliceEndpoint): 'ready' | 'draining' | 'unready' {
  if (conditions?.ready !== false) return 'ready';
  return conditions.serving !== false && conditions.terminating === true ? 'draining' : 'unready';
}

/** A slice and its Service call a port by the same name; a slice's port without a number stands for any. */
function portOf({ ports }: EndpointSlice, wanted: ServicePort): number | undefined {
  const found = ports?.find(({ name, protocol }) => (name ?? '') === (wanted.name ?? '') && protocol !== 'UDP');
  return found && (found.port ?? (typeof wanted.targetPort === 'number' ? wanted.targetPort : wanted.port));
}

/** Every pod of a dual-stack Service is in a slice of each family: only the Service's first is used. */
function primaryFamily(slices: readonly Slice[], { spec }: Service): readonly Slice[] {
  const first = spec.ipFamilies?.[0];
  const primary = slices.filter(({ body }) => body.addressType === first);
  return primary.length > 0 ? primary : slices;
}
