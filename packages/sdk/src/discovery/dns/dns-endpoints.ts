import { isIPv6 } from 'node:net';
import type { DnsHost } from '@inmesh/core';
import type { NotFound, Resolution, ResolutionFailure, ServiceResolution } from './resolution.js';

export interface DnsEndpoint {
  /** `ip:port`, or `[ip]:port` for IPv6. Unique in a set. */
  readonly address: string;
  /** The IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** 0 is the highest; always 0 without SRV records. */
  readonly priority: number;
  /** At least 1, as the load balancer wants it. */
  readonly weight: number;
}

export type TargetResolution =
  | {
      readonly kind: 'endpoints';
      /** At least one, by priority and then address. */
      readonly endpoints: readonly DnsEndpoint[];
      readonly ttlSeconds: number;
      readonly partial: boolean;
    }
  | NotFound
  | ResolutionFailure;

export interface TargetResolver {
  resolveName(hostname: string): Promise<Resolution>;
  resolveService(srvName: string): Promise<ServiceResolution>;
}

/** With `srv` set, hosts and ports are those of the SRV records, else every address of the name with the target's port. */
export async function resolveTarget(resolver: TargetResolver, target: DnsHost): Promise<TargetResolution> {
  if (target.srv !== undefined) return endpointsOfService(await resolver.resolveService(target.srv));
  const resolution = await resolver.resolveName(target.hostname);
  if (resolution.kind !== 'addresses') return resolution;
  const { addresses, ttlSeconds, partial } = resolution;
  const endpoints = addresses.map((host) => endpointOf(host, target.port, 0, 1));
  return { kind: 'endpoints', endpoints: endpointSet(endpoints), ttlSeconds, partial };
}

/** By priority and address, each address once, with the priority that is higher. */
export function endpointSet(endpoints: readonly DnsEndpoint[]): readonly DnsEndpoint[] {
  const byAddress = new Map<string, DnsEndpoint>();
  for (const endpoint of [...endpoints].sort(compareEndpoints)) {
    if (!byAddress.has(endpoint.address)) byAddress.set(endpoint.address, endpoint);
  }
  return Object.freeze([...byAddress.values()]);
}

export function sameEndpoints(a: readonly DnsEndpoint[], b: readonly DnsEndpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, i) => sameEndpoint(endpoint, b[i]!));
}

function endpointsOfService(resolution: ServiceResolution): TargetResolution {
  if (resolution.kind !== 'targets') return resolution;
  const { targets, ttlSeconds, partial } = resolution;
  const endpoints = targets.map(({ host, port, priority, weight }) => endpointOf(host, port, priority, weight));
  return { kind: 'endpoints', endpoints: endpointSet(endpoints), ttlSeconds, partial };
}

function endpointOf(host: string, port: number, priority: number, weight: number): DnsEndpoint {
  const address = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  return Object.freeze({ address, host, port, priority, weight: Math.max(weight, 1) });
}

function sameEndpoint(a: DnsEndpoint, b: DnsEndpoint): boolean {
  return a.address === b.address && a.priority === b.priority && a.weight === b.weight;
}

function compareEndpoints(a: DnsEndpoint, b: DnsEndpoint): number {
  return a.priority - b.priority || (a.address < b.address ? -1 : a.address > b.address ? 1 : 0);
}
