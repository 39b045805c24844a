import type { ResourceSet } from '@inmesh/xds';
import type { Client } from '../../client.js';

/** For proxies. */
export function forEnvoy(resources: ResourceSet, _client: Client): ResourceSet {
  return resources;
}
