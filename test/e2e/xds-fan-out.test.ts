import { create, toBinary } from '@bufbuild/protobuf';
import { typeUrls } from '@inmesh/xds';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '@inmesh/xds/messages';
import { AdsServer, SnapshotCache, type SnapshotSource } from '@inmesh/xds/server';
import { afterEach, expect, it } from 'vitest';
import { adsService } from '../../packages/xds/src/grpc/ads-service.js';
import { assignmentMessage, serviceSet } from '../../packages/xds/test/fixtures.js';
import { startGrpcServer } from '../../packages/xds/test/grpc-server.js';
import { RecordingLogger } from '../../packages/xds/test/logger.js';
import { Peer, type PeerStream } from '../../packages/xds/test/peer.js';
import { atScale } from '../support/scale.js';

const clientCount = atScale({ slice: 200, full: 1000 });
const streamsPerConnection = 4;
/** The server's own bound: see `AdsServer`. */
const streamsPerTurn = 50;

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** A client whose endpoint sets are its own, its neighbour's and one that all have. */
class Subscriber {
  /** Since the last time that it was asked. */
  readonly #received: DeltaDiscoveryResponse[] = [];

  constructor(
    private readonly stream: PeerStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>,
    private readonly index: number,
  ) {}

  async subscribe(): Promise<void> {
    const { index } = this;
    await this.#ask([`service-${index}`, `service-${(index + 1) % clientCount}`, 'shared']);
    this.#received.length = 0;
  }

  /** What came, up to now: the answer to a question stands behind all that was sent before it. */
  async news(): Promise<{ names: string[]; bytes: number }> {
    await this.#ask([`question-${this.index}`]);
    const responses = this.#received.splice(0).filter(({ removedResources: [absent] }) => absent === undefined);
    return {
      names: responses.flatMap(({ resources }) => resources.map(({ name }) => name)),
      bytes: responses.reduce((sum, response) => sum + toBinary(DeltaDiscoveryResponseSchema, response).length, 0),
    };
  }

  async receive(): Promise<void> {
    this.#received.push(await this.stream.next());
  }

  async #ask(resourceNamesSubscribe: string[]): Promise<void> {
    const node = { id: `client-${this.index}` };
    this.stream.send(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls.endpoint, resourceNamesSubscribe, node }));
    const isAnswered = () =>
      this.#received.some(({ resources, removedResources }) =>
        resourceNamesSubscribe.every(
          (name) => removedResources.includes(name) || resources.some((one) => one.name === name),
        ),
      );
    while (!isAnswered()) await this.receive();
  }
}

const initial = serviceSet({
  ...Object.fromEntries(Array.from({ length: clientCount }, (_, index) => [`service-${index}`, ['10.0.0.1']])),
  shared: ['10.0.0.1'],
});

async function setup() {
  const cache = new SnapshotCache();
  cache.setSnapshot(initial);
  const looks = new LookCounter(cache);
  const ads = new AdsServer({ cache: looks, logger: new RecordingLogger() });
  const server = await startGrpcServer((grpc) => ads.addTo(grpc));
  closers.push(server.kill, () => ads.close());
  const peers = Array.from({ length: clientCount / streamsPerConnection }, () => new Peer(server.address));
  closers.push(() => {
    for (const peer of peers) peer.close();
  });
  const clients = Array.from({ length: clientCount }, (_, index) => {
    const peer = peers[Math.floor(index / streamsPerConnection)]!;
    return new Subscriber(peer.open(adsService.deltaAggregatedResources), index);
  });
  await Promise.all(clients.map((client) => client.subscribe()));
  return { clients, looks, addressOf: setAddress(cache) };
}

/** Counts how often streams look for something to send, turn by turn. */
class LookCounter implements SnapshotSource {
  #inTurn = 0;
  #most = 0;
  #immediate: NodeJS.Immediate | undefined;

  constructor(private readonly cache: SnapshotCache) {}

  snapshotFor() {
    this.#inTurn += 1;
    return this.cache.snapshotFor();
  }

  watch(watcher: () => void): () => void {
    return this.cache.watch(watcher);
  }

  start(): void {
    this.#inTurn = 0;
    this.#immediate = setImmediate(() => {
      this.#most = Math.max(this.#most, this.#inTurn);
      this.start();
    });
  }

  /** The most in any turn since the start. */
  stop(): number {
    clearImmediate(this.#immediate);
    return this.#most;
  }
}

/** Moves one service to another address, and returns how many bytes its endpoint set has. */
function setAddress(cache: SnapshotCache) {
  let { assignments } = initial;
  return (service: string, address: string): number => {
    assignments = new Map([...assignments, [service, assignmentMessage(service, address)]]);
    cache.setSnapshot({ ...initial, assignments });
    return cache.current!.endpoint.resources.get(service)!.any.value.length;
  };
}

/** Two type URLs, the name, two versions and the nonce stand around a resource. */
const overhead = 250;

it(`tells ${clientCount} clients on sockets of one endpoint that changed, and those alone that asked for it`, async () => {
  const { clients, addressOf } = await setup();
  const size = addressOf('service-7', '10.0.0.2');
  const news = await Promise.all(clients.map((client) => client.news()));
  const told = news.flatMap(({ names }, index) => (names.length > 0 ? [[index, ...names]] : []));
  expect(told).toEqual([
    [6, 'service-7'],
    [7, 'service-7'],
  ]);
  expect(Math.max(...news.map(({ bytes }) => bytes))).toBeLessThan(size + overhead);
}, 120_000);

it(`sends all ${clientCount} what all asked for and nothing else, a few in each turn of the event loop`, async () => {
  const { clients, looks, addressOf } = await setup();
  looks.start();
  const size = addressOf('shared', '10.0.0.2');
  await Promise.all(clients.map((client) => client.receive()));
  // One look finds the change, and one more, when it has left, that there is nothing else.
  expect(looks.stop()).toBeLessThanOrEqual(2 * streamsPerTurn);
  const news = await Promise.all(clients.map((client) => client.news()));
  expect(news.map(({ names }) => names)).toEqual(clients.map(() => ['shared']));
  expect(Math.max(...news.map(({ bytes }) => bytes))).toBeLessThan(size + overhead);
}, 120_000);
