import { create, fromBinary } from '@bufbuild/protobuf';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { serviceSet } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { ClusterSchema, type DiscoveryRequest, DiscoveryRequestSchema, type DiscoveryResponse } from '../messages.js';
import { writePosition } from '../position.js';
import { servedKindOf, typeUrls } from '../resources/type-urls.js';
import { DiscoveryStream } from './discovery-stream.js';
import { PrivateSecrets } from './private-secrets.js';
import { SnapshotCache } from './snapshot-cache.js';
import { incremental, stateOfTheWorld } from './variant.js';

/** A client that takes a response only when it is told to. */
class SlowCall {
  readonly cancelled = false;
  readonly writableEnded = false;
  readonly written: DiscoveryResponse[] = [];
  #flush: (() => void) | undefined;

  write(response: DiscoveryResponse, flushed: () => void): boolean {
    if (this.#flush !== undefined) throw new Error('a response was written before the one before had left');
    this.written.push(response);
    this.#flush = flushed;
    return false;
  }

  flush(): void {
    const flush = this.#flush;
    this.#flush = undefined;
    flush?.();
  }
}

/** A client that takes every response at once. */
class FastCall {
  readonly cancelled = false;
  readonly writableEnded = false;
  readonly written: DiscoveryResponse[] = [];
  readonly errors: { code: number }[] = [];

  write(response: DiscoveryResponse, flushed: () => void): boolean {
    this.written.push(response);
    flushed();
    return true;
  }

  emit(_: 'error', error: { code: number }): void {
    this.errors.push(error);
  }
}

function open(
  call: SlowCall | FastCall,
  cache: Pick<SnapshotCache, 'snapshotFor' | 'watch'>,
  logger = new RecordingLogger(),
) {
  const stream = new DiscoveryStream({
    call: call as unknown as ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>,
    variant: stateOfTheWorld,
    service: 'ads',
    cache,
    logger,
    peer: '127.0.0.1:50000',
    secrets: new PrivateSecrets(logger),
    now: () => 0,
  });
  cache.watch(() => stream.send());
  return stream;
}

it('skips snapshots for a client that reads slowly, and keeps no queue for it', () => {
  const cache = new SnapshotCache();
  const call = new SlowCall();
  const stream = open(call, cache);
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  stream.receive(create(DiscoveryRequestSchema, { typeUrl: typeUrls.endpoint, resourceNames: ['a'] }));
  for (let last = 2; last < 100; last += 1) cache.setSnapshot(serviceSet({ a: [`10.0.0.${last}`] }));
  expect(call.written).toHaveLength(1);
  call.flush();
  call.flush();
  call.flush();
  expect(call.written).toHaveLength(2);
  expect(call.written[1]?.versionInfo).toBe(cache.current?.endpoint.version);
});

it.each([
  ['state of the world', stateOfTheWorld],
  ['incremental', incremental],
] as const)('%s: each response tells how far the server is by then, where it shares a store', (_, variant) => {
  const ofType = { typeUrl: typeUrls.cluster, version: '1', nonce: '1', ttlMs: undefined, isHeartbeat: false };
  const response = { ...ofType, resources: [], removed: [] };
  expect(variant.write(response, writePosition({ changed: 7, reached: 12 })).controlPlane?.identifier).toBe(
    'inmesh changed=7 reached=12',
  );
  expect(variant.write(response).controlPlane).toBeUndefined();
});

it.each([
  ['envoy', 'sends no route', ['cluster']],
  ['gRPC Go', 'sends routes', ['cluster', 'route']],
] as const)('%s: %s before the answer to the clusters that it may lead to', (userAgentName, _, sent) => {
  const cache = new SnapshotCache();
  const call = new FastCall();
  const stream = open(call, cache);
  const node = { id: 'a', userAgentName };
  const ask = (kind: 'cluster' | 'route', more: object) =>
    stream.receive(create(DiscoveryRequestSchema, { node, typeUrl: typeUrls[kind], ...more }));
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  ask('cluster', {});
  ask('cluster', { responseNonce: '1' });
  ask('route', { resourceNames: ['a', 'b'] });
  call.written.length = 0;
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] }));
  const kinds = () => call.written.map(({ typeUrl }) => servedKindOf(typeUrl));
  expect(kinds()).toEqual(sent);
  ask('cluster', { responseNonce: '2' });
  expect(kinds()).toEqual(['cluster', 'route']);
});

it('ends alone when it cannot be served', () => {
  const call = new FastCall();
  const logger = new RecordingLogger();
  const cache = {
    watch: () => () => {},
    snapshotFor: () => {
      throw new RangeError('Maximum call stack size exceeded');
    },
  };
  open(call, cache, logger).receive(create(DiscoveryRequestSchema, { typeUrl: typeUrls.cluster }));
  expect(call.errors).toMatchObject([{ code: 13 }]);
  expect(logger.lines).toMatchObject([{ level: 'error', fields: { message: 'Maximum call stack size exceeded' } }]);
});

it.each([
  ['listener', 10_000],
  ['endpoint', 200_000],
] as const)('ends when it names more of a %s type than %d', (kind, most) => {
  const call = new FastCall();
  const stream = open(call, new SnapshotCache());
  const name = (count: number) => {
    const resourceNames = Array.from({ length: count }, (_, index) => `n${index}`);
    stream.receive(create(DiscoveryRequestSchema, { typeUrl: typeUrls[kind], resourceNames }));
  };
  name(most);
  expect(call.errors).toEqual([]);
  name(most + 1);
  expect(call.errors).toMatchObject([{ code: 8 }]);
});

it('keeps the beginning of a refusal that is endless', () => {
  const cache = new SnapshotCache();
  const logger = new RecordingLogger();
  const stream = open(new FastCall(), cache, logger);
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  const ask = (more: object) => stream.receive(create(DiscoveryRequestSchema, { typeUrl: typeUrls.cluster, ...more }));
  ask({});
  ask({ responseNonce: '1', errorDetail: { message: `no: ${'a key '.repeat(2_000_000)}` } });
  expect(stream.status.types[0]?.nack?.message).toMatch(/^no: (a key )+(a )?\.{3}$/);
  expect(stream.status.types[0]?.nack?.message.length).toBeLessThan(16_500);
});

it.each([
  ['leaves at once, when its endpoints were never asked for', ['a'], [['a']]],
  ['stays until the client has answered, when it has endpoints', ['a', 'b'], []],
])('a cluster that is gone %s', (_, asked, sent) => {
  const cache = new SnapshotCache();
  const call = new FastCall();
  const stream = open(call, cache);
  const node = { id: 'a', userAgentName: 'envoy' };
  const ask = (kind: 'cluster' | 'endpoint', more: object) =>
    stream.receive(create(DiscoveryRequestSchema, { node, typeUrl: typeUrls[kind], ...more }));
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  ask('cluster', {});
  ask('endpoint', { resourceNames: ['a'] });
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] }));
  const { nonce } = call.written.findLast(({ typeUrl }) => typeUrl === typeUrls.endpoint)!;
  ask('endpoint', { responseNonce: nonce, resourceNames: asked });
  call.written.length = 0;
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  const names = call.written
    .filter(({ typeUrl }) => typeUrl === typeUrls.cluster)
    .map(({ resources }) => resources.map((any) => fromBinary(ClusterSchema, any.value).name).sort());
  expect(names).toEqual(sent);
});
