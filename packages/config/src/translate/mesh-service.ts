import type { Place } from '../place.js';
import type { PortProtocol } from './protocol.js';

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
  /** Undefined when nothing is known of what is behind the address. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** «name;namespace;canonical name;revision;cluster», as Istio writes it into the endpoint's metadata. */
  readonly workload: string | undefined;
}

/** How endpoints reach a client: as addresses, or as names that it resolves itself. */
export type Discovery = 'eds' | 'strictDns' | 'logicalDns';

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
  readonly place: Place;
}

export const nowhere: Locality = { region: '', zone: '', subZone: '' };

/** `outbound|9080|v1|reviews.default.svc.cluster.local` (Istio `BuildSubsetKey`). */
export function clusterName(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`;
}
