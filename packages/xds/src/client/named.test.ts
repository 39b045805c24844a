import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeConnection } from '../../test/fake-connection.js';
import { FakeDeltaConnection } from '../../test/fake-delta-connection.js';
import { assignmentMessage, clusterMessage, listenerMessage, routeMessage } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

let clock: FakeClock;
let worlds: Map<string, FakeConnection>;
let deltas: Map<string, FakeDeltaConnection>;
let published: MeshResources[];
let client: AdsClient;

beforeEach(() => {
  clock = new FakeClock(1000);
  worlds = new Map();
  deltas = new Map();
  published = [];
});

function start(
  authorities: Readonly<Record<string, string>> = {},
  variant: 'incremental' | 'state of the world' = 'state of the world',
  awaitsInbound = false,
): void {
  client = new AdsClient({
    servers: [insecureServer('main')],
    authorities: new Map(Object.entries(authorities).map(([name, uri]) => [name, [insecureServer(uri)]])),
    node: { id: 'n', cluster: 'c', metadata: {} },
    awaitsInbound,
    variant,
    clock,
    random: () => 0.5,
    logger: new RecordingLogger(),
    onResources: (resources) => published.push(resources),
    connect: (handlers, { serverUri }) => kept(worlds, serverUri, new FakeConnection(handlers)),
    connectIncrementally: (handlers, { serverUri }) => kept(deltas, serverUri, new FakeDeltaConnection(handlers)),
  });
  client.start();
}

function kept<T>(all: Map<string, T>, server: string, connection: T): T {
  all.set(server, connection);
  return connection;
}

/** The newest connection to a server. */
function to(server: string): FakeConnection {
  return worlds.get(server) ?? expect.fail(`no connection to ${server}`);
}

function subscribe(...names: string[]): void {
  client.subscribe(new Set(names));
}

function newest(): MeshResources {
  return published.at(-1) ?? expect.fail('nothing was published');
}

function listeners(): string[] {
  return [...newest().listeners.keys()];
}

/** One host: its listener, routes, cluster and endpoints are all called the same. */
function serve(server: string, ...names: string[]): void {
  to(server).respond(
    'listener',
    names.map((name) => listenerMessage(name, name)),
  );
  to(server).respond(
    'route',
    names.map((name) => routeMessage(name, name)),
  );
  to(server).respond(
    'cluster',
    names.map((name) => clusterMessage(name)),
  );
  to(server).respond(
    'endpoint',
    names.map((name) => assignmentMessage(name, '127.0.0.1')),
  );
  clock.advance(0);
}

describe('A client that asks by name', () => {
  it('has no configuration of what comes in alone before a server is there', () => {
    start();
    subscribe('virtualInbound');
    clock.advance(0);
    expect(published).toEqual([]);
    to('main').handlers.onOpen();
    clock.advance(0);
    expect(published).toHaveLength(1);
  });

  it('counts what comes in as absent after a while, and may be told to await it from a server that says nothing', () => {
    const problems = () => newest().problems?.map(({ name }) => name);
    for (const [awaitsInbound, expected] of [
      [false, ['virtualInbound']],
      [true, []],
    ] as const) {
      start({}, 'state of the world', awaitsInbound);
      subscribe('virtualInbound');
      to('main').handlers.onOpen();
      to('main').respond('cluster', []);
      clock.advance(60_000);
      expect(problems()).toEqual(expected);
    }
    to('main').respond('listener', []);
    clock.advance(15_000);
    expect(problems()).toEqual(['virtualInbound']);
  });

  it('awaits what comes in of another stream, however much the one before has told', () => {
    start({}, 'state of the world', true);
    subscribe('virtualInbound');
    to('main').handlers.onOpen();
    to('main').respond('listener', []);
    to('main').handlers.onClose('UNAVAILABLE: gone');
    clock.advance(1000);
    to('main').handlers.onOpen();
    clock.advance(60_000);
    expect(newest().problems).toEqual([]);
  });

  it('asks for nothing and has an empty configuration until something is wanted', () => {
    start();
    to('main').handlers.onOpen();
    clock.advance(0);
    expect(to('main').requests).toEqual([]);
    expect(listeners()).toEqual([]);
  });

  it('asks for a listener and then for what it refers to, step by step', () => {
    start();
    to('main').handlers.onOpen();
    clock.advance(0);
    subscribe('a');
    expect(to('main').last('listener')?.resourceNames).toEqual(['a']);
    expect(to('main').last('cluster')).toBeUndefined();
    to('main').respond('listener', [listenerMessage('a', 'routes')]);
    expect(to('main').last('route')?.resourceNames).toEqual(['routes']);
    to('main').respond('route', [routeMessage('routes', 'cluster')]);
    expect(to('main').last('cluster')?.resourceNames).toEqual(['cluster']);
    to('main').respond('cluster', [clusterMessage('cluster')]);
    expect(to('main').last('endpoint')?.resourceNames).toEqual(['cluster']);
    clock.advance(0);
    expect(listeners()).toEqual([]);
    to('main').respond('endpoint', [assignmentMessage('cluster', '127.0.0.1')]);
    clock.advance(0);
    expect(listeners()).toEqual(['a']);
  });

  it('asks for what was wanted before there was a connection', () => {
    start();
    subscribe('a', 'b');
    to('main').handlers.onOpen();
    expect(to('main').last('listener')?.resourceNames).toEqual(['a', 'b']);
  });

  it('never asks for everything by asking for nothing, incrementally', () => {
    start({}, 'incremental');
    const connection = deltas.get('main') ?? expect.fail('no connection');
    connection.handlers.onOpen();
    expect(connection.requests).toEqual([]);
    subscribe('a');
    expect(connection.take('listener')).toMatchObject([{ resourceNamesSubscribe: ['a'] }]);
    connection.respond('listener', [], ['a']);
    clock.advance(0);
    expect(newest().problems).toMatchObject([{ kind: 'listener', name: 'a' }]);
  });

  it('gives a listener up after 15 s with the reason, and takes it when it comes after all', () => {
    start();
    to('main').handlers.onOpen();
    subscribe('a');
    clock.advance(14_999);
    expect(newest().problems).toEqual([]);
    clock.advance(1);
    clock.advance(0);
    expect(newest().problems).toMatchObject([
      { kind: 'listener', name: 'a', reason: 'the config server has not sent it within 15 s, so it does not exist' },
    ]);
    serve('main', 'a');
    expect(newest().problems).toEqual([]);
    expect(newest().clusters.has('a')).toBe(true);
  });

  it('keeps the rest when a full response no longer has one, and leaves alone what nobody asked for', () => {
    start();
    to('main').handlers.onOpen();
    subscribe('a', 'b');
    serve('main', 'a', 'b');
    to('main').respond('listener', [listenerMessage('a', 'a'), listenerMessage('stranger', 'a')]);
    clock.advance(0);
    expect(newest().problems).toMatchObject([{ kind: 'listener', name: 'b' }]);
    expect(newest().listeners.has('stranger')).toBe(false);
    expect(newest().listeners.get('a')?.routes).toBe('a');
  });

  it('drops what is not wanted any more', () => {
    start();
    to('main').handlers.onOpen();
    subscribe('a', 'b');
    serve('main', 'a', 'b');
    subscribe('b');
    clock.advance(0);
    expect(listeners()).toEqual(['b']);
    expect([...newest().clusters.keys()]).toEqual(['b']);
    expect(to('main').last('cluster')?.resourceNames).toEqual(['b']);
    expect(to('main').last('endpoint')?.resourceNames).toEqual(['b']);
  });

  it('asks for the same names on the next stream', () => {
    start();
    to('main').handlers.onOpen();
    subscribe('a');
    serve('main', 'a');
    to('main').handlers.onClose('gone');
    clock.advance(1000);
    to('main').handlers.onOpen();
    expect(to('main').last('listener')?.resourceNames).toEqual(['a']);
    expect(to('main').last('cluster')?.resourceNames).toEqual(['a']);
    expect(listeners()).toEqual(['a']);
  });
});

describe('authorities', () => {
  const type = 'envoy.config.listener.v3.Listener';
  const name = `xdstp://other/${type}/a`;

  it('are asked for their names on a stream of their own, once there are any', () => {
    start({ other: 'other' });
    to('main').handlers.onOpen();
    expect(worlds.has('other')).toBe(false);
    subscribe('a', name);
    to('other').handlers.onOpen();
    expect(to('main').last('listener')?.resourceNames).toEqual(['a']);
    expect(to('other').last('listener')?.resourceNames).toEqual([name]);
  });

  it('serve references from one to the other', () => {
    start({ other: 'other' });
    to('main').handlers.onOpen();
    subscribe('a');
    const route = 'xdstp://other/envoy.config.route.v3.RouteConfiguration/r';
    to('main').respond('listener', [listenerMessage('a', route)]);
    to('other').handlers.onOpen();
    expect(to('other').last('route')?.resourceNames).toEqual([route]);
    to('other').respond('route', [routeMessage(route, 'c')]);
    expect(to('main').last('cluster')?.resourceNames).toEqual(['c']);
    to('main').respond('cluster', [clusterMessage('c')]);
    to('main').respond('endpoint', [assignmentMessage('c', '127.0.0.1')]);
    clock.advance(0);
    expect(newest().routes.has(route)).toBe(true);
  });

  it('do not delete what is the other one’s, nor answer with its version', () => {
    start({ other: 'other' });
    to('main').handlers.onOpen();
    subscribe('a', name);
    to('other').handlers.onOpen();
    serve('main', 'a');
    to('other').respond('listener', [listenerMessage(name, 'a')], { version: 'o1' });
    clock.advance(0);
    expect(listeners().sort()).toEqual(['a', name.toLowerCase()]);
    expect(to('other').last('listener')?.versionInfo).toBe('o1');
    to('main').respond('listener', [listenerMessage('a', 'a'), listenerMessage('a', 'a')], { version: 'm2' });
    expect(to('main').last('listener')?.versionInfo).toBe('v1');
    expect(listeners().sort()).toEqual(['a', name.toLowerCase()]);
  });

  it('may be away without harm to the others, and nothing of theirs is missing for that', () => {
    start({ other: 'other' });
    to('main').handlers.onOpen();
    subscribe('a', name);
    to('other').handlers.onClose('UNAVAILABLE: gone');
    expect(client.status).toMatchObject({ kind: 'disconnected', reason: 'other: UNAVAILABLE: gone' });
    serve('main', 'a');
    clock.advance(60_000);
    expect(listeners()).toEqual(['a']);
    expect(newest().problems).toEqual([]);
  });

  it('with the servers of the bootstrap share its stream', () => {
    start({ other: 'main' });
    to('main').handlers.onOpen();
    subscribe('a', name);
    expect(to('main').last('listener')?.resourceNames).toEqual(['a', name]);
  });

  it('that the bootstrap does not have are nobody’s', () => {
    start();
    to('main').handlers.onOpen();
    subscribe(name);
    clock.advance(0);
    expect(newest().problems).toMatchObject([
      { kind: 'listener', name, reason: 'the bootstrap names no server for its authority' },
    ]);
  });
});
