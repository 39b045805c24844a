import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeConnection } from '../../../test/fake-connection.js';
import { FakeDeltaConnection } from '../../../test/fake-delta-connection.js';
import { assignmentMessage, clusterMessage, listenerMessage, routeMessage } from '../../../test/fixtures.js';
import { RecordingLogger } from '../../../test/logger.js';
import { AdsClient, type AdsStatus } from '../ads-client.js';
import { insecureServer } from '../server-config.js';

let clock: FakeClock;
let worlds: Map<string, FakeConnection[]>;
let deltas: Map<string, FakeDeltaConnection[]>;
let published: MeshResources[];
let statuses: AdsStatus['kind'][];
let client: AdsClient;

beforeEach(() => {
  clock = new FakeClock(1000);
  worlds = new Map();
  deltas = new Map();
  published = [];
  statuses = [];
});

function start(names: readonly string[], variant: 'incremental' | 'state of the world' = 'state of the world'): void {
  client = new AdsClient({
    servers: names.map(insecureServer),
    node: { id: 'n', cluster: 'c', metadata: {} },
    variant,
    clock,
    random: () => 0.5,
    logger: new RecordingLogger(),
    onResources: (resources) => published.push(resources),
    onStatus: ({ kind }) => statuses.push(kind),
    connect: (handlers, { serverUri }) => kept(worlds, serverUri, new FakeConnection(handlers)),
    connectIncrementally: (handlers, { serverUri }) => kept(deltas, serverUri, new FakeDeltaConnection(handlers)),
  });
  client.start();
}

function kept<T>(all: Map<string, T[]>, server: string, connection: T): T {
  all.set(server, [...(all.get(server) ?? []), connection]);
  return connection;
}

/** The newest connection to a server. */
function to(server: string): FakeConnection {
  return worlds.get(server)?.at(-1) ?? expect.fail(`no connection to ${server}`);
}

function deltaTo(server: string): FakeDeltaConnection {
  return deltas.get(server)?.at(-1) ?? expect.fail(`no connection to ${server}`);
}

function attempts(server: string): number {
  return worlds.get(server)?.length ?? 0;
}

function isOpen(server: string): boolean {
  return attempts(server) > 0 && !to(server).isClosed;
}

function fail(server: string): void {
  to(server).handlers.onClose('UNAVAILABLE: gone');
}

/** A whole configuration, of one cluster. */
function answer(server: string, cluster: string, version = 'v1'): void {
  to(server).respond('cluster', [clusterMessage(cluster)], { version });
  to(server).respond('endpoint', [assignmentMessage(cluster, '127.0.0.1')], { version });
  to(server).respond('listener', [], { version });
  clock.advance(0);
}

function clusters(): string[] {
  return [...(published.at(-1)?.clusters.keys() ?? [])];
}

describe('The next server in the list', () => {
  it('is not asked while the first answers', () => {
    start(['a', 'b']);
    to('a').handlers.onOpen();
    answer('a', 'of-a');
    clock.advance(60_000);
    expect(attempts('b')).toBe(0);
    expect(clusters()).toEqual(['of-a']);
  });

  it('is asked at once when the first cannot be reached', () => {
    start(['a', 'b']);
    fail('a');
    expect(attempts('b')).toBe(1);
    to('b').handlers.onOpen();
    answer('b', 'of-b');
    expect(clusters()).toEqual(['of-b']);
    expect(client.status).toEqual({ kind: 'connected', serverUri: 'b' });
  });

  it('is asked when the first is silent for 15 s, connected or not', () => {
    start(['a', 'b']);
    clock.advance(14_999);
    expect(attempts('b')).toBe(0);
    clock.advance(1);
    expect(attempts('b')).toBe(1);
    expect(isOpen('a')).toBe(true);
  });

  it('is not asked when the first goes away and nothing is missing (A71)', () => {
    start(['a', 'b']);
    to('a').handlers.onOpen();
    answer('a', 'of-a');
    fail('a');
    for (let attempt = 0; attempt < 5; attempt += 1) {
      clock.advance(30_000);
      fail('a');
    }
    expect(attempts('b')).toBe(0);
    expect(clusters()).toEqual(['of-a']);
  });

  it('is asked when the first went away in the middle of a configuration and does not come back', () => {
    start(['a', 'b']);
    to('a').handlers.onOpen();
    to('a').respond('cluster', [clusterMessage('x')]);
    fail('a');
    expect(attempts('b')).toBe(0);
    clock.advance(500);
    fail('a');
    expect(attempts('b')).toBe(1);
  });

  it('is asked for what a new resource refers to and the lost server did not send', () => {
    start(['a', 'b']);
    to('a').handlers.onOpen();
    answer('a', 'of-a');
    to('a').respond('listener', [listenerMessage('l', 'r')]);
    fail('a');
    clock.advance(500);
    fail('a');
    to('b').handlers.onOpen();
    expect(to('b').last('route')?.resourceNames).toEqual(['r']);
    answer('b', 'of-a');
    to('b').respond('listener', [listenerMessage('l', 'r')]);
    to('b').respond('route', [routeMessage('r', 'of-a')]);
    clock.advance(0);
    expect([...published.at(-1)!.listeners.keys()]).toEqual(['l']);
  });

  it('gives way to one after it, and all of them are tried again', () => {
    start(['a', 'b', 'c']);
    fail('a');
    fail('b');
    fail('c');
    expect(client.status).toEqual({
      kind: 'disconnected',
      reason: 'a: UNAVAILABLE: gone; b: UNAVAILABLE: gone; c: UNAVAILABLE: gone',
      nextAttemptAtMs: 1500,
    });
    clock.advance(500);
    expect([attempts('a'), attempts('b'), attempts('c')]).toEqual([2, 2, 2]);
  });

  it('serves a server that knows no incremental xDS too', () => {
    start(['a', 'b'], 'incremental');
    deltaTo('a').handlers.onClose('UNIMPLEMENTED: no', true);
    expect(deltas.get('b')).toBeUndefined();
    to('a').handlers.onClose('UNIMPLEMENTED: no', true);
    expect(deltas.get('b')).toHaveLength(1);
  });
});

describe('An earlier server', () => {
  function fallBack(): void {
    start(['a', 'b']);
    fail('a');
    to('b').handlers.onOpen();
    answer('b', 'of-b');
    clock.advance(500);
  }

  it('is listened to again once it answers, and not before', () => {
    fallBack();
    to('a').handlers.onOpen();
    clock.advance(0);
    expect(isOpen('b')).toBe(true);
    expect(clusters()).toEqual(['of-b']);
    answer('a', 'of-a');
    expect(isOpen('b')).toBe(false);
    expect(clusters()).toEqual(['of-a']);
    clock.advance(120_000);
    expect(attempts('b')).toBe(1);
  });

  it('is asked for everything, because versions of one server say nothing to another', () => {
    fallBack();
    to('a').handlers.onOpen();
    expect(to('a').last('cluster')?.versionInfo).toBe('');
    to('a').respond('cluster', [clusterMessage('x')], { version: 'a7' });
    expect(to('a').last('cluster')?.versionInfo).toBe('a7');
    expect(to('a').last('listener')?.versionInfo).toBe('');
    fail('a');
    clock.advance(500);
    to('a').handlers.onOpen();
    expect(to('a').last('cluster')?.versionInfo).toBe('a7');
    expect(to('a').last('listener')?.versionInfo).toBe('');
  });

  it('is told the names of all there is and no version, incrementally', () => {
    start(['a', 'b'], 'incremental');
    deltaTo('a').handlers.onClose('UNAVAILABLE: gone');
    deltaTo('b').handlers.onOpen();
    deltaTo('b').respond('cluster', [clusterMessage('x')]);
    deltaTo('b').respond('endpoint', [assignmentMessage('x', '127.0.0.1')]);
    deltaTo('b').respond('listener', []);
    clock.advance(500);
    deltaTo('a').handlers.onOpen();
    expect(deltaTo('a').take('cluster')[0]?.initialResourceVersions).toEqual({ x: '' });
    deltaTo('a').respond('cluster', [], ['x']);
    clock.advance(0);
    expect(clusters()).toEqual([]);
  });

  it('that comes and goes does not change a configuration that is whole (b15)', () => {
    fallBack();
    to('a').handlers.onOpen();
    answer('a', 'of-a');
    const before = published.length;
    for (let round = 0; round < 10; round += 1) {
      fail('a');
      clock.advance(30_000);
      to('a').handlers.onOpen();
      answer('a', 'of-a');
    }
    expect(published.length).toBe(before);
    expect(attempts('b')).toBe(1);
  });
});

describe('close', () => {
  it('ends the connections to all of them and leaves no timer', () => {
    start(['a', 'b']);
    fail('a');
    clock.advance(500);
    client.close();
    expect([isOpen('a'), isOpen('b')]).toEqual([false, false]);
    expect(clock.pendingTimers).toBe(0);
    expect(statuses.at(-1)).toBe('disconnected');
    clock.advance(60_000);
    expect([attempts('a'), attempts('b')]).toEqual([2, 1]);
  });
});
