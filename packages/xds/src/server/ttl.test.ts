import { create, fromBinary } from '@bufbuild/protobuf';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { serviceSet } from '../../test/fixtures.js';
import { startGrpcServer } from '../../test/grpc-server.js';
import { DeltaStream, WorldStream } from '../../test/in-process-stream.js';
import { RecordingLogger } from '../../test/logger.js';
import { Peer } from '../../test/peer.js';
import { adsService } from '../grpc/ads-service.js';
import { DeltaDiscoveryRequestSchema, type DiscoveryResponse, ResourceSchema } from '../messages.js';
import { typeUrls } from '../resources/type-urls.js';
import { AdsServer } from './ads-server.js';
import { SnapshotCache } from './snapshot-cache.js';

const ttlMs = 30_000;
const delta = { clientFeatures: ['xds.config.supports-resource-ttl'] };
const world = { clientFeatures: ['xds.config.supports-resource-ttl', 'xds.config.resource-in-sotw'] };
const ttl = { seconds: 30n, nanos: 0 };

let cache: SnapshotCache;

beforeEach(() => {
  cache = new SnapshotCache();
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] }));
});

describe('an incremental client that knows lifetimes', () => {
  it('is given one with each resource, and heartbeats without a body', () => {
    const client = new DeltaStream(cache, { ttlMs });
    client.request('cluster', { node: delta });
    const [first] = client.take();
    expect(first?.resources).toMatchObject([
      { name: 'a', ttl },
      { name: 'b', ttl },
    ]);
    client.stream.sendHeartbeats();
    const [heartbeat, ...others] = client.take();
    expect(others).toEqual([]);
    expect(heartbeat?.resources.map(({ name, version, resource }) => ({ name, version, resource }))).toEqual(
      first?.resources.map(({ name, version }) => ({ name, version, resource: undefined })),
    );
    expect(heartbeat?.removedResources).toEqual([]);
  });

  it('is sent no heartbeat for what it does not have', () => {
    const client = new DeltaStream(cache, { ttlMs });
    client.request('endpoint', { node: delta, resourceNamesSubscribe: ['none'] });
    client.take();
    client.stream.sendHeartbeats();
    expect(client.take()).toEqual([]);
  });
});

describe('a state-of-the-world client that knows lifetimes', () => {
  const wrappersOf = ({ resources }: DiscoveryResponse) =>
    resources.map(({ value }) => fromBinary(ResourceSchema, value));

  it('is given them in wrappers, for routes and endpoints', () => {
    const client = new WorldStream(cache, { ttlMs });
    client.request('endpoint', ['a'], { node: world });
    const [first] = client.take();
    expect(wrappersOf(first!)).toMatchObject([{ name: 'a', ttl, resource: {} }]);
    client.stream.sendHeartbeats();
    const [heartbeat] = client.take();
    expect(heartbeat?.versionInfo).toBe(first?.versionInfo);
    expect(wrappersOf(heartbeat!)).toMatchObject([{ name: 'a', ttl, version: first?.versionInfo }]);
    expect(wrappersOf(heartbeat!)[0]?.resource).toBeUndefined();
  });

  it('is not sent heartbeats of clusters, which would say that all of them are gone', () => {
    const client = new WorldStream(cache, { ttlMs });
    client.request('cluster', [], { node: world });
    client.take();
    client.stream.sendHeartbeats();
    expect(client.take()).toEqual([]);
  });
});

it.each([
  ['declares nothing', [] as string[]],
  ['cannot unwrap', delta.clientFeatures],
])('a state-of-the-world client that %s is given no lifetimes', (_, clientFeatures) => {
  const client = new WorldStream(cache, { ttlMs });
  client.request('endpoint', ['a'], { node: { clientFeatures } });
  expect(client.take()[0]?.resources[0]).toBe(cache.current?.endpoint.resources.get('a')?.any);
  client.stream.sendHeartbeats();
  expect(client.take()).toEqual([]);
});

it('the server has no timer without a lifetime, one with it, and none when it is closed', () => {
  const clock = new FakeClock(0);
  const logger = new RecordingLogger();
  new AdsServer({ cache, logger });
  expect(clock.pendingTimers).toBe(0);
  const server = new AdsServer({ cache, logger, ttl: { ms: ttlMs, clock } });
  clock.advance(ttlMs);
  expect(clock.pendingTimers).toBe(1);
  server.close();
  expect(clock.pendingTimers).toBe(0);
});

it('sends a heartbeat over a socket three times in each lifetime', async () => {
  const clock = new FakeClock(0);
  const ads = new AdsServer({ cache, logger: new RecordingLogger(), ttl: { ms: ttlMs, clock } });
  const server = await startGrpcServer((grpc) => ads.addTo(grpc));
  const peer = new Peer(server.address);
  const stream = peer.open(adsService.deltaAggregatedResources);
  const node = { id: 'n', ...delta };
  stream.send(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls.cluster, node }));
  expect((await stream.next()).resources).toMatchObject([{ name: 'a', ttl, resource: {} }, { name: 'b' }]);
  for (let third = 0; third < 3; third += 1) {
    clock.advance(ttlMs / 3);
    const { resources } = await stream.next();
    expect(resources.map(({ name, ttl: life, resource }) => [name, life?.seconds, resource])).toEqual([
      ['a', 30n, undefined],
      ['b', 30n, undefined],
    ]);
  }
  peer.close();
  ads.close();
  server.kill();
});
