import type { Place } from '../place.js';
import type { PortProtocol } from './protocol.js';
import type { WorkloadIdentity } from './workloads.js';

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

export interface MeshEndpoint {
  /** An IP address; a name where the port is resolved by DNS. */
  readonly address: string;
  readonly port: number;
  readonly draining: boolean;
  /** 1 when undefined. */
  readonly weight: number | undefined;
  readonly locality: Locality;
  /** Of the Kubernetes Node that it is on. */
  readonly nodeName?: string | undefined;
  /** Which zones and Nodes the cluster has allotted it to (EndpointSlice `hints`). */
  readonly hints?: { readonly zones: readonly string[]; readonly nodes: readonly string[] } | undefined;
  /** Undefined when nothing is known of what is behind the address. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** «name;namespace;canonical name;revision;cluster», as Istio writes it into the endpoint's metadata. */
  readonly workload: string | undefined;
  /** Whose certificate it shows, where that is known. */
  readonly identity?: WorkloadIdentity | undefined;
  /** Whether it is known to take the mutual TLS of the mesh. */
  readonly takesMeshTls?: boolean;
}

/** How endpoints reach a client: as addresses, as names that it resolves itself, or as what its caller dialled. */
export type Discovery = 'eds' | 'strictDns' | 'logicalDns' | 'dialled';

export interface MeshPort {
  readonly number: number;
  readonly name: string;
  readonly protocol: PortProtocol;
  readonly discovery: Discovery;
  readonly endpoints: readonly MeshEndpoint[];
}

/** A host with its ports, from a Service or a ServiceEntry. */
export interface MeshService {
  /** Fully qualified, lower-case; may be a wildcard. */
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  /** Other names of it, for clients that send one of them as authority. */
  readonly aliases: readonly string[];
  readonly ports: readonly MeshPort[];
  /** Labels of endpoints that are not ready: a subset of them is empty for now, and no mistake. */
  readonly unready?: readonly Readonly<Record<string, string>>[];
  /** Whether this client does not see it (`exportTo`): it is no host to call, but routes may lead to it. */
  readonly isHidden?: boolean;
  /** Whether calls stay on the Node of their caller (Kubernetes `internalTrafficPolicy: Local`). */
  readonly isNodeLocal?: boolean;
  /** Which endpoints callers shall prefer (Kubernetes `trafficDistribution`). */
  readonly trafficDistribution?: string | undefined;
  /** Whether it is outside of the mesh, where nobody has one of its certificates. */
  readonly isExternal?: boolean;
  /** What its certificates are for, beside the identities of its endpoints (ServiceEntry `subjectAltNames`). */
  readonly subjectAltNames?: readonly string[];
  readonly place: Place;
}

export const nowhere: Locality = { region: '', zone: '', subZone: '' };

export function isSameLocality(a: Locality, b: Locality): boolean {
  return a.region === b.region && a.zone === b.zone && a.subZone === b.subZone;
}

/** `outbound|9080|v1|reviews.default.svc.cluster.local` (Istio `BuildSubsetKey`). */
export function clusterName(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`;
}
