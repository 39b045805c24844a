import { toBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { assignmentMessage, serviceSet } from '../../test/fixtures.js';
import { DeltaStream } from '../../test/in-process-stream.js';
import { DeltaDiscoveryResponseSchema } from '../messages.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { SnapshotCache } from './snapshot-cache.js';

const names = Array.from({ length: 1000 }, (_, index) => `service-${index}`);
const before = serviceSet(Object.fromEntries(names.map((name) => [name, ['10.0.0.1']])));

function withEndpoints(name: string, address: string): ResourceSet {
  return { ...before, assignments: new Map([...before.assignments, [name, assignmentMessage(name, address)]]) };
}

function subscribed(cache: SnapshotCache, endpoints: string[]): DeltaStream {
  const client = new DeltaStream(cache);
  client.subscribe('cluster');
  client.subscribe('endpoint', ...endpoints);
  client.subscribe('listener');
  client.subscribe('route', ...endpoints);
  client.call.written.length = 0;
  return client;
}

const bytesOf = (client: DeltaStream) =>
  client.call.written.reduce((sum, response) => sum + toBinary(DeltaDiscoveryResponseSchema, response).length, 0);

it('sends each of 1,000 clients of 1,000 services only the one endpoint set that changed', () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(before);
  const clients = Array.from({ length: 1000 }, () => subscribed(cache, names));
  cache.setSnapshot(withEndpoints('service-7', '10.0.0.2'));
  expect(clients.map(({ call }) => call.written.length)).toEqual(clients.map(() => 1));
  expect(clients[0]?.news()).toEqual([{ kind: 'endpoint', names: ['service-7'], removed: [] }]);
  const resource = cache.current!.endpoint.resources.get('service-7')!.any.value.length;
  const perClient = clients.map(bytesOf);
  // Two type URLs, the name, two versions and the nonce stand around it.
  expect(Math.max(...perClient)).toBeLessThan(resource + 250);
});

it('sends nothing to those who did not subscribe to what changed', () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(before);
  const client = subscribed(cache, ['service-1', 'service-2']);
  cache.setSnapshot(withEndpoints('service-7', '10.0.0.2'));
  expect(client.news()).toEqual([]);
  cache.setSnapshot(withEndpoints('service-2', '10.0.0.2'));
  expect(client.news()).toEqual([{ kind: 'endpoint', names: ['service-2'], removed: [] }]);
});
