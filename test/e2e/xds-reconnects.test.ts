import { FakeClock, seededRandom } from '@inmesh/core/testing';
import { AdsClient, type ConnectionHandlers, insecureServer } from '@inmesh/xds/client';
import { AdsServer, type AdsServerOptions, SnapshotCache } from '@inmesh/xds/server';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamGate } from '../../packages/xds/src/server/stream-gate.js';
import { FakeConnection } from '../../packages/xds/test/fake-connection.js';
import { serviceSet } from '../../packages/xds/test/fixtures.js';
import { startGrpcServer } from '../../packages/xds/test/grpc-server.js';
import { fastClock } from '../support/fast-clock.js';
import { freePorts } from '../support/free-ports.js';
import { atScale } from '../support/scale.js';

const silent = { info() {}, warn() {}, error() {} };
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** A server without a socket that is away at times, and knows when clients came to it. */
class SimulatedServer {
  readonly clock = new FakeClock(0);
  /** When each stream began to be served. */
  readonly begun: number[] = [];
  readonly #open = new Set<ConnectionHandlers>();
  #gate: StreamGate | undefined;
  #isUp = true;

  readonly connect = (handlers: ConnectionHandlers) => {
    const connection = new FakeConnection(handlers);
    this.clock.setTimer(1, () => {
      if (connection.isClosed) return;
      if (this.#isUp) this.#accept(connection);
      else handlers.onClose('UNAVAILABLE: connection refused');
    });
    return connection;
  };

  stop(): void {
    this.#isUp = false;
    for (const { onClose } of this.#open) onClose('UNAVAILABLE: gone');
    this.#open.clear();
  }

  start({ perSecond }: { perSecond?: number } = {}): void {
    this.#isUp = true;
    this.begun.length = 0;
    if (perSecond !== undefined) this.#gate = new StreamGate({ perSecond, clock: this.clock });
  }

  #accept(connection: FakeConnection): void {
    const { handlers } = connection;
    const serve = () => {
      this.begun.push(this.clock.now());
      this.#open.add(handlers);
      connection.respond('cluster', []);
    };
    handlers.onOpen();
    if (this.#gate === undefined) serve();
    else if (this.#gate.enter(serve) === 'refused') handlers.onClose('UNAVAILABLE: too many clients come at once');
  }
}

function simulate(count: number): SimulatedServer {
  const server = new SimulatedServer();
  const { clock, connect } = server;
  const random = seededRandom(11);
  for (let index = 0; index < count; index += 1) {
    const client = new AdsClient({
      servers: [insecureServer('server:1')],
      node: { id: `client-${index}`, cluster: 'c', metadata: {} },
      ...{ clock, random, connect, logger: silent, onResources: () => {} },
    });
    client.start();
    closers.push(() => client.close());
  }
  clock.advance(100);
  expect(server.begun).toHaveLength(count);
  return server;
}

/** The most in any stretch of a second. */
function peakOf(times: readonly number[]): number {
  let from = 0;
  let peak = 0;
  for (const [index, time] of times.entries()) {
    while (times[from]! <= time - 1000) from += 1;
    peak = Math.max(peak, index - from + 1);
  }
  return peak;
}

describe('clients that lose their server together', () => {
  const count = atScale({ slice: 1000, full: 10_000 });

  function comeBack(awayS: number, streamRate?: { perSecond: number }) {
    const server = simulate(count);
    server.stop();
    server.clock.advance(awayS * 1000);
    const returnedMs = server.clock.now();
    server.start(streamRate);
    for (let second = 0; second < 600 && server.begun.length < count; second += 1) server.clock.advance(1000);
    expect(server.begun).toHaveLength(count);
    const seconds = Math.max(1, (server.begun.at(-1)! - returnedMs) / 1000);
    return { peak: peakOf(server.begun), mean: count / seconds };
  }

  // After a short time they are not as far apart: then it is the server that spreads them.
  it.each(atScale({ slice: [0, 60], full: [0, 20, 60] }))(
    'come back by themselves after %i s at no more than 3 times the mean rate in any second',
    (awayS) => {
      const { peak, mean } = comeBack(awayS);
      expect(peak).toBeLessThanOrEqual(3 * mean);
    },
    900_000,
  );

  it.each(atScale({ slice: [0, 5], full: [0, 1, 5, 60] }))(
    'are served at no more than 110 in any second by a server that is back after %i s',
    (awayS) => {
      expect(comeBack(awayS, { perSecond: 100 }).peak).toBeLessThanOrEqual(110);
    },
    900_000,
  );
});

describe('clients on sockets that lose their server together', () => {
  const count = atScale({ slice: 100, full: 2000 });
  const perSecond = 100;

  /** With the address that a client was told last. */
  function startClients(serverUri: string): { address: string }[] {
    const random = seededRandom(5);
    return Array.from({ length: count }, (_, index) => {
      const known = { address: '' };
      const client = new AdsClient({
        servers: [insecureServer(serverUri)],
        node: { id: `client-${index}`, cluster: 'c', metadata: {} },
        ...{ clock: fastClock(2), random, logger: silent, variant: 'incremental' },
        onResources: ({ assignments }) => {
          known.address = assignments.get('a')?.localities[0]?.endpoints[0]?.address ?? '';
        },
      });
      client.start();
      closers.push(() => client.close());
      return known;
    });
  }

  async function serve(port: number, address: string, streamRate?: AdsServerOptions['streamRate']) {
    const cache = new SnapshotCache();
    cache.setSnapshot(serviceSet({ a: [address] }));
    const ads = new AdsServer({ cache, logger: silent, streamRate });
    const server = await startGrpcServer((grpc) => ads.addTo(grpc), port);
    const kill = () => {
      server.kill();
      ads.close();
    };
    closers.push(kill);
    return { ads, kill };
  }

  it(`are served ${perSecond} in each second of the server's clock, and have its configuration in the end`, async () => {
    const [port] = await freePorts(1);
    const first = await serve(port!, '10.0.0.1');
    const clients = startClients(`127.0.0.1:${port}`);
    const knowing = (address: string) => clients.filter((client) => client.address === `${address}:8080`).length;
    await expect.poll(() => knowing('10.0.0.1'), { timeout: 120_000 }).toBe(count);
    first.kill();
    const clock = new FakeClock(0);
    const { ads } = await serve(port!, '10.0.0.2', { perSecond, clock });
    await expect.poll(() => ads.status().length, { timeout: 60_000 }).toBe(perSecond / 10);
    const advance = () => {
      clock.advance(100);
      const served = ads.status().length;
      expect(served).toBeLessThanOrEqual(perSecond / 10 + (clock.now() * perSecond) / 1000);
      return knowing('10.0.0.2');
    };
    await expect.poll(advance, { timeout: 240_000, interval: 20 }).toBe(count);
    expect(ads.status()).toHaveLength(count);
  }, 600_000);
});
