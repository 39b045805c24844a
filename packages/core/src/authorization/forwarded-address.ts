import type { Call } from '../call.js';
import { parseAddress } from './ip-range.js';

/**
 * The client that a peer with a certificate of the mesh forwards for: the last address of `x-forwarded-for`, which that peer
 * has written itself, as Envoy reads it without `use_remote_address`. Undefined where there is none: the peer is the client.
 */
export function forwardedAddress({ connection, headers }: Call): string | undefined {
  if (connection?.peer === undefined) return undefined;
  const line = headers.getAll('x-forwarded-for').findLast((text) => text !== '');
  if (line === undefined) return undefined;
  const last = line.slice(line.lastIndexOf(',') + 1).trim();
  return parseAddress(last) === undefined ? undefined : last;
}
