import { create } from '@bufbuild/protobuf';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { serviceSet } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { type DiscoveryRequest, DiscoveryRequestSchema, type DiscoveryResponse } from '../messages.js';
import { servedKindOf, typeUrls } from '../resources/type-urls.js';
import { DiscoveryStream } from './discovery-stream.js';
import { PrivateSecrets } from './private-secrets.js';
import { SnapshotCache } from './snapshot-cache.js';
import { stateOfTheWorld } from './variant.js';

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

  write(response: DiscoveryResponse, flushed: () => void): boolean {
    this.written.push(response);
    flushed();
    return true;
  }
}

function open(call: SlowCall | FastCall, cache: SnapshotCache) {
  const logger = new RecordingLogger();
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
