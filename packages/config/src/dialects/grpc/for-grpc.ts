import type { ResourceSet } from '@inmesh/xds';
import type { Client } from '../../client.js';

/** For gRPC libraries. */
export function forGrpc(resources: ResourceSet, _client: Client): ResourceSet {
  return resources;
}
