import { create } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
} from '@inmesh/xds/messages';
import { AdsServer, SnapshotCache } from '@inmesh/xds/server';
import { afterEach, expect, it } from 'vitest';
import { singleTypeServices } from '../../packages/xds/src/grpc/single-type-services.js';
import { serviceSet } from '../../packages/xds/test/fixtures.js';
import { startGrpcServer } from '../../packages/xds/test/grpc-server.js';
import { RecordingLogger } from '../../packages/xds/test/logger.js';
import { Peer, type PeerStream } from '../../packages/xds/test/peer.js';
import { atScale } from '../support/scale.js';

const changes = atScale({ slice: 100, full: 1000 });

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** About 70 KB of endpoints, none of them as in the snapshots before. */
function snapshot(number: number) {
  const prefix = `10.${number >> 8}.${number & 255}`;
  return serviceSet({ a: Array.from({ length: 2000 }, (_, index) => `${prefix}.${index & 255}`) });
}

async function subscribe(peer: Peer): Promise<PeerStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>> {
  const stream = peer.open(singleTypeServices.endpoint.delta);
  stream.send(create(DeltaDiscoveryRequestSchema, { resourceNamesSubscribe: ['a'] }));
  await stream.next();
  return stream;
}

it(`keeps one state for a client that reads nothing of ${changes}, and holds up nobody else for it`, async () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(snapshot(0));
  const ads = new AdsServer({ cache, logger: new RecordingLogger() });
  const server = await startGrpcServer((grpc) => ads.addTo(grpc));
  const [shared, own] = [new Peer(server.address), new Peer(server.address)];
  closers.push(
    server.kill,
    () => ads.close(),
    () => own.close(),
    () => shared.close(),
  );
  const slow = await subscribe(shared);
  const others = [await subscribe(shared), await subscribe(own)];
  slow.pause();
  for (let number = 1; number <= changes; number += 1) {
    cache.setSnapshot(snapshot(number));
    const responses = await Promise.all(others.map((stream) => stream.next()));
    expect(responses.map(({ systemVersionInfo }) => systemVersionInfo)).toEqual(
      others.map(() => cache.current!.endpoint.version),
    );
  }
  slow.resume();
  let count = 1;
  while ((await slow.next()).systemVersionInfo !== cache.current!.endpoint.version) count += 1;
  // 16 responses wait in the stream of the client itself, a few on the connection; then comes the newest.
  expect(count).toBeLessThan(25);
}, 300_000);
