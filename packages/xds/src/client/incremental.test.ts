import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeConnections } from '../../test/fake-connection.js';
import { type FakeDeltaConnection, FakeDeltaConnections } from '../../test/fake-delta-connection.js';
import { assignmentMessage, clusterMessage, listenerMessage, routeMessage } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { rawAny } from '../../test/responses.js';
import { resourceTypes } from '../resources/resource-types.js';
import { typeUrls } from '../resources/type-urls.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

let clock: FakeClock;
let worlds: FakeConnections;
let connections: FakeDeltaConnections;
let published: MeshResources[];
let client: AdsClient;

beforeEach(() => {
  clock = new FakeClock();
  worlds = new FakeConnections();
  connections = new FakeDeltaConnections();
  published = [];
  client = new AdsClient({
    servers: [insecureServer('server:1')],
    node: { id: 'n', cluster: 'c', metadata: {} },
    variant: 'incremental',
    clock,
    random: () => 0,
    logger: new RecordingLogger(),
    onResources: (resources) => published.push(resources),
    connect: worlds.connect,
    connectIncrementally: connections.connect,
  });
  client.start();
  connections.current.handlers.onOpen();
});

const settle = () => clock.advance(0);

/** Delivers a service `a` behind the listener `l` and the routes `r`. */
function deliverA(): FakeDeltaConnection {
  const { current } = connections;
  current.respond('cluster', [clusterMessage('a')]);
  current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
  current.respond('listener', [listenerMessage('l', 'r')]);
  current.respond('route', [routeMessage('r', 'a')]);
  settle();
  return current;
}

function reconnect(): FakeDeltaConnection {
  connections.current.handlers.onClose('gone');
  settle();
  connections.current.handlers.onOpen();
  return connections.current;
}

const addresses = () =>
  Object.fromEntries(
    [...published.at(-1)!.assignments].map(([name, { localities }]) => [
      name,
      localities.flatMap(({ endpoints }) => endpoints.map(({ host }) => host)),
    ]),
  );

const bad = clusterMessage('bad', { connectTimeout: {} });

describe('an incremental client', () => {
  it('begins with all clusters and listeners, and says who asks in the first request only', () => {
    const { requests } = connections.current;
    expect(requests).toMatchObject([
      { typeUrl: typeUrls.cluster, resourceNamesSubscribe: [], initialResourceVersions: {}, node: { id: 'n' } },
      { typeUrl: typeUrls.listener, resourceNamesSubscribe: [] },
    ]);
    expect(requests[1]?.node).toBeUndefined();
  });

  it('says what is added and what is not needed any more, each once', () => {
    const { current } = connections;
    current.respond('cluster', [clusterMessage('a'), clusterMessage('b')]);
    expect(current.take('endpoint')).toMatchObject([{ resourceNamesSubscribe: ['a', 'b'], responseNonce: '' }]);
    current.respond('cluster', [clusterMessage('c')], ['a']);
    expect(current.take('endpoint')).toMatchObject([
      { resourceNamesSubscribe: ['c'], resourceNamesUnsubscribe: ['a'] },
    ]);
    current.respond('cluster', [clusterMessage('c', { altStatName: 'x' })]);
    expect(current.take('endpoint')).toEqual([]);
  });

  it('acknowledges with the nonce alone', () => {
    const { current } = connections;
    current.take('cluster');
    current.respond('cluster', [clusterMessage('a')]);
    const [ack] = current.take('cluster');
    expect(ack).toMatchObject({ responseNonce: '1', resourceNamesSubscribe: [], resourceNamesUnsubscribe: [] });
    expect(ack?.errorDetail).toBeUndefined();
  });

  it('keeps what a response does not have', () => {
    const current = deliverA();
    current.respond('cluster', [clusterMessage('b')]);
    current.respond('endpoint', [assignmentMessage('b', '10.0.0.2')]);
    settle();
    expect(addresses()).toEqual({ a: ['10.0.0.1'], b: ['10.0.0.2'] });
  });

  it('drops what is removed', () => {
    const current = deliverA();
    current.respond('listener', [], ['l']);
    current.respond('cluster', [], ['a']);
    settle();
    expect([published.at(-1)?.listeners.size, published.at(-1)?.clusters.size]).toEqual([0, 0]);
    expect(current.take('endpoint').at(-1)).toMatchObject({ resourceNamesUnsubscribe: ['a'] });
  });

  it('takes endpoints that are removed for none, until they come back', () => {
    const current = deliverA();
    current.respond('endpoint', [], ['a']);
    settle();
    expect(addresses()).toEqual({});
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
    settle();
    expect(addresses()).toEqual({ a: ['10.0.0.1'] });
  });

  it('keeps the endpoints of a cluster that was withdrawn with them while a route goes to it', () => {
    const current = deliverA();
    current.respond('cluster', [], ['a']);
    current.respond('endpoint', [], ['a']);
    settle();
    expect(addresses()).toEqual({ a: ['10.0.0.1'] });
    current.respond('route', [routeMessage('r', 'none')]);
    clock.advance(15_000);
    expect(published.at(-1)?.clusters.size).toBe(0);
  });

  it('waits 15 s for endpoints that it hears nothing of, and not at all for those that do not exist', () => {
    const { current } = connections;
    const respond = (removed: string[]) => {
      current.respond('cluster', [clusterMessage('a'), clusterMessage('b')]);
      current.respond('listener', [listenerMessage('l', 'r')]);
      current.respond('route', [routeMessage('r', 'a')]);
      current.respond('endpoint', [], removed);
    };
    respond(['b']);
    clock.advance(14_999);
    expect(published).toEqual([]);
    respond(['a']);
    settle();
    expect(published).toHaveLength(1);
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
    settle();
    expect(addresses()).toEqual({ a: ['10.0.0.1'] });
  });

  it('gives up what it hears nothing of after 15 s', () => {
    const { current } = connections;
    current.respond('cluster', [clusterMessage('a')]);
    current.respond('listener', [listenerMessage('l', 'r')]);
    current.respond('route', [routeMessage('r', 'a')]);
    clock.advance(14_999);
    expect(published).toEqual([]);
    clock.advance(1);
    expect(published).toHaveLength(1);
  });

  it('refuses what is bad, keeps the last good version of it and uses the rest', () => {
    const current = deliverA();
    current.take('cluster');
    const worse = clusterMessage('a', { connectTimeout: {} });
    current.respond('cluster', [worse, bad, clusterMessage('b')]);
    current.respond('endpoint', [assignmentMessage('b', '10.0.0.2')]);
    settle();
    const [nack, ...others] = current.take('cluster');
    expect(others).toEqual([]);
    expect(nack).toMatchObject({ responseNonce: '5', errorDetail: { code: 3 } });
    expect(nack?.errorDetail?.message.split('\n')).toEqual([
      expect.stringMatching(/"a".*connect_timeout/),
      expect.stringMatching(/"bad".*connect_timeout/),
    ]);
    expect([...published.at(-1)!.clusters.keys()]).toEqual(['a', 'b']);
  });

  it('refuses a resource that is called otherwise than its wrapper', () => {
    const { current } = connections;
    current.take('cluster');
    const resource = rawAny('cluster', resourceTypes.cluster.write(clusterMessage('a')));
    current.respondRaw({ typeUrl: typeUrls.cluster, nonce: 'n', resources: [{ name: 'b', version: '1', resource }] });
    expect(current.take('cluster')[0]?.errorDetail?.message).toContain('is called "a" itself');
  });

  it('refuses a wrapper with nothing in it', () => {
    const { current } = connections;
    current.take('cluster');
    current.respondRaw({ typeUrl: typeUrls.cluster, nonce: 'n', resources: [{ name: 'b', version: '1' }] });
    expect(current.take('cluster')[0]?.errorDetail?.message).toContain('"b"');
  });
});

describe('an incremental client that comes back', () => {
  it('says what it has, in the last good version, and no more than it wants', () => {
    const before = deliverA();
    before.respond('cluster', [clusterMessage('a', { connectTimeout: {} }), clusterMessage('b')]);
    const current = reconnect();
    expect(current.take('cluster')).toMatchObject([
      { initialResourceVersions: { a: 'v1', b: 'v5' }, node: { id: 'n' } },
    ]);
    expect(current.take('endpoint')).toMatchObject([
      { resourceNamesSubscribe: ['a', 'b'], initialResourceVersions: { a: 'v2' } },
    ]);
    expect(current.take('listener')).toMatchObject([{ initialResourceVersions: { l: 'v3' } }]);
    expect(current.take('route')).toMatchObject([
      { resourceNamesSubscribe: ['r'], initialResourceVersions: { r: 'v4' } },
    ]);
  });

  it('keeps all of it, whatever the server leaves unsaid', () => {
    deliverA();
    const current = reconnect();
    current.respond('cluster', []);
    clock.advance(60_000);
    expect(published).toHaveLength(1);
    expect(addresses()).toEqual({ a: ['10.0.0.1'] });
  });

  it('names what came by the state of the world too, so that the server can say that it is gone', () => {
    connections.current.handlers.onClose('UNIMPLEMENTED: no', true);
    const world = worlds.current;
    world.handlers.onOpen();
    world.respond('cluster', [clusterMessage('a')]);
    world.handlers.onClose('UNIMPLEMENTED: no', true);
    settle();
    connections.current.handlers.onOpen();
    expect(connections.current.take('cluster')).toMatchObject([{ initialResourceVersions: { a: '' } }]);
  });
});

describe('a server that does not know incremental xDS', () => {
  it('is asked for the state of the world, at once', () => {
    connections.current.handlers.onClose('UNIMPLEMENTED: no', true);
    expect(client.status).toEqual({ kind: 'connecting' });
    const world = worlds.current;
    world.handlers.onOpen();
    expect(world.last('cluster')).toMatchObject({ resourceNames: [], node: { id: 'n' } });
    expect(connections.all).toHaveLength(1);
    expect(connections.current.isClosed).toBe(true);
  });

  it('is asked so from then on', () => {
    connections.current.handlers.onClose('UNIMPLEMENTED: no', true);
    worlds.current.handlers.onClose('gone');
    settle();
    expect([connections.all.length, worlds.all.length]).toEqual([1, 2]);
  });

  it('is waited for when it does not know that either', () => {
    connections.current.handlers.onClose('UNIMPLEMENTED: no', true);
    worlds.current.handlers.onClose('UNIMPLEMENTED: no', true);
    expect(client.status).toMatchObject({ kind: 'disconnected', reason: 'UNIMPLEMENTED: no' });
    settle();
    expect([connections.all.length, worlds.all.length]).toEqual([2, 1]);
  });
});
