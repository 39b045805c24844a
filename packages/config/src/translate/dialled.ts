import { isWildcard } from './hosts.js';
import { type Discovery, type MeshEndpoint, nowhere } from './mesh-service.js';

/** A name that clients resolve. */
export function namedEndpoint(address: string, port: number): MeshEndpoint {
  const unknown = { weight: undefined, labels: undefined, workload: undefined };
  return { address, port, draining: false, locality: nowhere, ...unknown };
}

/** The endpoints that DNS gives for what a caller dials: of a wildcard only the caller knows what that is. */
export function asDialled(
  host: string,
  port: number,
): { readonly discovery: Discovery; readonly endpoints: readonly MeshEndpoint[] } {
  if (isWildcard(host)) return { discovery: 'dialled', endpoints: [] };
  return { discovery: 'strictDns', endpoints: [namedEndpoint(host, port)] };
}
