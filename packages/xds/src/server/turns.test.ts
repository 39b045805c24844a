import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import type { Server } from '@grpc/grpc-js';
import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { serviceSet } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { DeltaDiscoveryRequestSchema } from '../messages.js';
import { typeUrls } from '../resources/type-urls.js';
import { AdsServer } from './ads-server.js';
import { SnapshotCache } from './snapshot-cache.js';

class FakeCall extends EventEmitter {
  written = 0;
  isEnded = false;
  readonly errors: object[] = [];

  constructor() {
    super();
    this.on('error', (error) => this.errors.push(error));
  }

  sendMetadata(): void {}

  getPeer(): string {
    return '127.0.0.1:1';
  }

  write(_response: object, flushed: () => void): boolean {
    this.written += 1;
    flushed();
    return true;
  }

  end(): void {
    this.isEnded = true;
  }
}

/** Opens incremental streams for all endpoints of `a` at a server without a socket. */
function open(ads: AdsServer, count: number): FakeCall[] {
  const opened: ((call: FakeCall) => void)[] = [];
  const server: Pick<Server, 'addService'> = {
    addService: (_methods, { delta }) => {
      opened.push(delta as unknown as (call: FakeCall) => void);
    },
  };
  ads.addTo(server);
  const [ofAds] = opened;
  return Array.from({ length: count }, () => {
    const call = new FakeCall();
    ofAds?.(call);
    call.emit(
      'data',
      create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a'] }),
    );
    return call;
  });
}

it('sends a change to 50 streams at a time, and to all of them in the end', async () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  const ads = new AdsServer({ cache, logger: new RecordingLogger(), now: () => 0 });
  const calls = open(ads, 120);
  const reached = () => calls.filter(({ written }) => written > 1).length;
  cache.setSnapshot(serviceSet({ a: ['10.0.0.2'] }));
  expect(reached()).toBe(50);
  cache.setSnapshot(serviceSet({ a: ['10.0.0.3'] }));
  expect(reached()).toBe(50);
  await setImmediate();
  expect(reached()).toBe(100);
  await setImmediate();
  expect(reached()).toBe(120);
  await setImmediate();
  expect(calls.map(({ written }) => written)).toEqual(calls.map((_, index) => (index < 50 ? 3 : 2)));
  ads.close();
});

it('sends nothing more once it is closed', async () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  const ads = new AdsServer({ cache, logger: new RecordingLogger(), now: () => 0 });
  const calls = open(ads, 60);
  cache.setSnapshot(serviceSet({ a: ['10.0.0.2'] }));
  ads.close();
  await setImmediate();
  expect(calls.filter(({ written }) => written > 1)).toHaveLength(50);
});

it('gives way to others after each stream that takes long', async () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
  let now = 0;
  const slow = {
    snapshotFor: () => {
      now += 5;
      return cache.snapshotFor();
    },
    watch: (watcher: () => void) => cache.watch(watcher),
  };
  const ads = new AdsServer({ cache: slow, logger: new RecordingLogger(), now: () => now });
  const calls = open(ads, 3);
  const reached = () => calls.filter(({ written }) => written > 1).length;
  cache.setSnapshot(serviceSet({ a: ['10.0.0.2'] }));
  expect(reached()).toBe(1);
  await setImmediate();
  expect(reached()).toBe(2);
  await setImmediate();
  expect(reached()).toBe(3);
  ads.close();
});

it('lets streams wait that come too fast, and sends those away that would wait for long', () => {
  const clock = new FakeClock(0);
  const cache = new SnapshotCache();
  const ads = new AdsServer({ cache, logger: new RecordingLogger(), streamRate: { perSecond: 1, clock } });
  const calls = open(ads, 12);
  expect(ads.status()).toHaveLength(1);
  expect(calls.map(({ errors }) => errors)).toEqual([...Array(11).fill([]), [expect.objectContaining({ code: 14 })]]);
  calls[1]?.emit('cancelled');
  clock.advance(1000);
  expect(ads.status()).toHaveLength(2);
  clock.advance(60_000);
  expect(ads.status()).toHaveLength(10);
  ads.close();
});

it('ends those that wait when it is closed', () => {
  const clock = new FakeClock(0);
  const cache = new SnapshotCache();
  const ads = new AdsServer({ cache, logger: new RecordingLogger(), streamRate: { perSecond: 1, clock } });
  const calls = open(ads, 3);
  ads.close();
  expect(calls.map(({ isEnded }) => isEnded)).toEqual([true, true, true]);
  expect(clock.pendingTimers).toBe(0);
});
