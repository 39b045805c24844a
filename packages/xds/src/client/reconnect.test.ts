import { FakeClock, seededRandom } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeConnections } from '../../test/fake-connection.js';
import { clusterMessage } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

let clock: FakeClock;
let connections: FakeConnections;

beforeEach(() => {
  clock = new FakeClock(1000);
  connections = new FakeConnections();
});

function createClient(random: () => number): AdsClient {
  return new AdsClient({
    servers: [insecureServer('server:1')],
    node: { id: 'n', cluster: 'c', metadata: {} },
    clock,
    random,
    logger: new RecordingLogger(),
    onResources: () => {},
    connect: connections.connect,
  });
}

/** Fails the current attempt and waits for the next; returns how long that took. */
function failAndWait(client: AdsClient): number {
  connections.current.handlers.onClose('UNAVAILABLE: gone');
  const { status } = client;
  if (status.kind !== 'disconnected') throw new Error('should be disconnected');
  const delay = status.nextAttemptAtMs - clock.now();
  const attempts = connections.all.length;
  clock.advance(delay);
  expect(connections.all).toHaveLength(attempts + 1);
  return delay;
}

describe('reconnecting', () => {
  it('waits up to 1, 3, 7, 15 and then 30 seconds', () => {
    const client = createClient(() => 0.5);
    client.start();
    const delays = Array.from({ length: 7 }, () => failAndWait(client));
    expect(delays).toEqual([500, 1500, 3500, 7500, 15_000, 15_000, 15_000]);
    client.close();
  });

  it('takes any time below that, so that clients come back apart', () => {
    const random = seededRandom(7);
    const firstDelays = Array.from({ length: 200 }, () => {
      const client = createClient(random);
      client.start();
      const delay = failAndWait(client);
      client.close();
      return delay;
    });
    const perTenth = Array.from(
      { length: 10 },
      (_, tenth) => firstDelays.filter((ms) => Math.floor(ms / 100) === tenth).length,
    );
    expect(perTenth.every((count) => count > 5 && count < 40)).toBe(true);
  });

  it('starts from the beginning after a response, not after a mere connection', () => {
    const client = createClient(() => 0.5);
    client.start();
    expect([failAndWait(client), failAndWait(client)]).toEqual([500, 1500]);
    connections.current.handlers.onOpen();
    expect(failAndWait(client)).toBe(3500);
    connections.current.handlers.onOpen();
    connections.current.respond('cluster', [clusterMessage('a')]);
    expect(failAndWait(client)).toBe(500);
    client.close();
  });

  it('says when it tries again, and why it has to', () => {
    const client = createClient(() => 0.25);
    expect(client.status).toEqual({
      kind: 'disconnected',
      reason: 'not started',
      nextAttemptAtMs: Number.POSITIVE_INFINITY,
    });
    client.start();
    expect(client.status).toEqual({ kind: 'connecting' });
    connections.current.handlers.onOpen();
    expect(client.status).toEqual({ kind: 'connected', serverUri: 'server:1' });
    connections.current.handlers.onClose('UNAVAILABLE: gone');
    expect(client.status).toEqual({ kind: 'disconnected', reason: 'UNAVAILABLE: gone', nextAttemptAtMs: 1250 });
    client.close();
  });

  it('stops for good with close, wherever it stands', () => {
    const waiting = createClient(() => 0.5);
    waiting.start();
    connections.current.handlers.onClose('gone');
    waiting.close();
    const connected = createClient(() => 0.5);
    connected.start();
    const { current } = connections;
    current.handlers.onOpen();
    current.respond('cluster', [clusterMessage('a')]);
    connected.close();
    expect([current.isClosed, clock.pendingTimers]).toEqual([true, 0]);
    current.handlers.onClose('late');
    current.respond('cluster', [clusterMessage('b')]);
    expect(connected.status).toMatchObject({ reason: 'closed' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not start twice', () => {
    const client = createClient(() => 0.5);
    client.start();
    client.start();
    expect(connections.all).toHaveLength(1);
    client.close();
  });
});

describe('a client that comes back by the state of the world', () => {
  const version = () => connections.current.last('cluster')?.versionInfo;

  function comeBack(): void {
    connections.current.handlers.onClose('gone');
    clock.advance(0);
    connections.current.handlers.onOpen();
  }

  it('says which version it has', () => {
    const client = createClient(() => 0);
    client.start();
    connections.current.handlers.onOpen();
    connections.current.respond('cluster', [clusterMessage('a')], { version: 'v1' });
    comeBack();
    expect(version()).toBe('v1');
    client.close();
  });

  it('says none while it uses the good part of one that it refused: the server may have gone back', () => {
    const client = createClient(() => 0);
    client.start();
    connections.current.handlers.onOpen();
    connections.current.respond('cluster', [clusterMessage('a')], { version: 'v1' });
    connections.current.respond('cluster', [clusterMessage('b'), clusterMessage('bad', { connectTimeout: {} })]);
    expect(version()).toBe('v1');
    comeBack();
    expect(version()).toBe('');
    client.close();
  });
});
