import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  assignmentMessage,
  clusterMessage,
  listenerMessage,
  resourceSet,
  routeMessage,
  serviceSet,
} from '../../test/fixtures.js';
import { type RunningServer, startGrpcServer } from '../../test/grpc-server.js';
import { RecordingLogger } from '../../test/logger.js';
import { ScriptedClient, type Summary } from '../../test/scripted-client.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import { AdsServer } from './ads-server.js';
import { SnapshotCache } from './snapshot-cache.js';

let cache: SnapshotCache;
let logger: RecordingLogger;
let ads: AdsServer;
let server: RunningServer;
let clients: ScriptedClient[];

beforeEach(async () => {
  cache = new SnapshotCache();
  logger = new RecordingLogger();
  clients = [];
  ads = new AdsServer({ cache, logger, now: () => 1000 });
  server = await startGrpcServer((grpc) => ads.addTo(grpc));
});

afterEach(() => {
  for (const client of clients) client.close();
  ads.close();
  server.kill();
});

function connect(): ScriptedClient {
  const client = new ScriptedClient(server.address);
  clients.push(client);
  return client;
}

/** A client that has subscribed to all of two services and accepted them. */
async function connectFully(): Promise<{ client: ScriptedClient; first: Record<ResourceKind, Summary> }> {
  const client = connect();
  const first: Partial<Record<ResourceKind, Summary>> = {};
  const names = { cluster: [], endpoint: ['a', 'b'], listener: [], route: ['a', 'b'] };
  for (const kind of ['cluster', 'endpoint', 'listener', 'route'] as const) {
    client.request(kind, names[kind]);
    const response = await client.next();
    client.ack(response, names[kind]);
    first[kind] = response;
  }
  return { client, first: first as Record<ResourceKind, Summary> };
}

/** What the server sends up to the answer to a request of its own; shows that nothing else was sent. */
async function sentUntilNow(client: ScriptedClient): Promise<Summary[]> {
  const type = 'endpoint';
  client.request(type, ['fence']);
  const sent: Summary[] = [];
  for (;;) {
    const response = await client.next();
    if (response.kind === type && response.names.includes('fence')) return sent;
    sent.push(response);
  }
}

const withFence = (set: ReturnType<typeof serviceSet>) => ({
  ...set,
  assignments: new Map([...set.assignments, ['fence', assignmentMessage('fence', '10.9.9.9')]]),
});

const two = serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] });

describe('rule 1: ADS requires the type, and the node comes once', () => {
  it('ends a stream with INVALID_ARGUMENT when a request has no type', async () => {
    const client = connect();
    client.send({ node: { id: 'n' } });
    expect(await client.status).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'type_url is missing' });
    expect(ads.status()).toEqual([]);
  });

  it('remembers the node of the first request', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.send({ typeUrl: typeUrls.cluster, node: { id: 'n1', cluster: 'c1' } });
    const response = await client.next();
    client.send({ typeUrl: typeUrls.listener });
    await client.next();
    expect(ads.status()).toMatchObject([{ nodeId: 'n1', nodeCluster: 'c1', connectedAtMs: 1000 }]);
    expect(ads.status()[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(response.names).toEqual(['a', 'b']);
  });

  it('serves a client that never says who it is', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.send({ typeUrl: typeUrls.cluster });
    expect((await client.next()).names).toEqual(['a', 'b']);
    expect(ads.status()).toMatchObject([{ nodeId: '' }]);
  });

  it('never answers an unknown type, and logs it once', async () => {
    cache.setSnapshot(withFence(two));
    const client = connect();
    client.send({ typeUrl: 'type.googleapis.com/x.Y' });
    client.send({ typeUrl: 'type.googleapis.com/x.Y' });
    expect(await sentUntilNow(client)).toEqual([]);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { typeUrl: 'type.googleapis.com/x.Y' } },
    ]);
  });

  it('holds requests until there is a snapshot', async () => {
    const client = connect();
    client.request('cluster');
    client.request('endpoint', ['a']);
    const response = client.next();
    cache.setSnapshot(two);
    expect(await response).toMatchObject({ kind: 'cluster', names: ['a', 'b'] });
    expect(await client.next()).toMatchObject({ kind: 'endpoint', names: ['a'] });
  });
});

describe('rule 2: nonces are per stream and type', () => {
  it('does not answer a request with a stale nonce, and takes nothing from it', async () => {
    cache.setSnapshot(withFence(two));
    const client = connect();
    client.request('route', ['a']);
    const first = await client.next();
    client.ack(first, ['a', 'b']);
    await client.next();
    client.request('route', ['a', 'fresh'], { responseNonce: first.nonce });
    client.request('cluster');
    expect(await client.next()).toMatchObject({ kind: 'cluster' });
    expect(ads.status()[0]?.types[0]).toMatchObject({ typeUrl: typeUrls.route, subscribed: ['a', 'b'] });
  });

  it('does not mix the nonces of two types', async () => {
    cache.setSnapshot(two);
    const { first } = await connectFully();
    expect(new Set(Object.values(first).map(({ nonce }) => nonce))).toEqual(new Set(['1']));
  });
});

describe('rule 3: a NACK is a request with error_detail', () => {
  it('is remembered, and the same snapshot is not sent again', async () => {
    cache.setSnapshot(withFence(two));
    const client = connect();
    client.request('cluster');
    const response = await client.next();
    client.nack(response, 'Cluster "a": no');
    client.request('cluster', [], { responseNonce: response.nonce });
    expect(await sentUntilNow(client)).toEqual([]);
    const nack = { version: response.version, message: 'Cluster "a": no', atMs: 1000 };
    expect(ads.status()[0]?.types[0]).toMatchObject({ ackedVersion: '', sentVersion: response.version, nack });
    cache.setSnapshot(withFence(two));
    cache.setSnapshot(withFence(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] })));
    client.request('listener');
    expect(await client.next()).toMatchObject({ kind: 'listener' });
  });

  it('is over with the next response that is accepted', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('cluster');
    client.nack(await client.next(), 'no');
    cache.setSnapshot(serviceSet({ a: ['10.0.0.1'] }));
    const second = await client.next();
    client.ack(second);
    client.request('listener');
    await client.next();
    expect(ads.status()[0]?.types[0]).toMatchObject({ ackedVersion: second.version, nack: undefined });
  });
});

describe('rule 4: the version outlives streams', () => {
  it('is the same for the same content, whatever the order and the process', async () => {
    cache.setSnapshot(two);
    const other = new SnapshotCache();
    other.setSnapshot(serviceSet({ b: ['10.0.0.2'], a: ['10.0.0.1'] }));
    expect(other.current?.cluster.version).toBe(cache.current?.cluster.version);
    expect(other.current?.endpoint.version).toBe(cache.current?.endpoint.version);
  });

  it('spares a client that comes back with everything', async () => {
    cache.setSnapshot(withFence(two));
    const versionInfo = cache.current!.cluster.version;
    const client = connect();
    client.request('cluster', [], { versionInfo });
    expect(await sentUntilNow(client)).toEqual([]);
    cache.setSnapshot(withFence(serviceSet({ a: ['10.0.0.1'] })));
    expect(await client.next()).toMatchObject({ kind: 'cluster', names: ['a'] });
  });

  it('is sent in full to a client that comes back with names, or with another version', async () => {
    cache.setSnapshot(two);
    const versionInfo = cache.current!.cluster.version;
    const named = connect();
    named.request('cluster', ['a'], { versionInfo });
    expect((await named.next()).names).toEqual(['a']);
    const routes = connect();
    routes.request('route', ['a'], { versionInfo: cache.current!.route.version });
    expect((await routes.next()).names).toEqual(['a']);
    const old = connect();
    old.request('cluster', [], { versionInfo: 'old' });
    expect((await old.next()).names).toEqual(['a', 'b']);
  });

  it('never lets a part stand for everything', async () => {
    cache.setSnapshot(two);
    const named = connect();
    named.request('cluster', ['a']);
    const part = await named.next();
    const later = connect();
    later.request('cluster', [], { versionInfo: part.version });
    expect((await later.next()).names).toEqual(['a', 'b']);
  });
});

describe('rule 5: responses go out on change only', () => {
  it('sends nothing when a new snapshot has the same content', async () => {
    cache.setSnapshot(withFence(two));
    const { client } = await connectFully();
    cache.setSnapshot(withFence(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] })));
    expect(await sentUntilNow(client)).toEqual([]);
  });

  it('sends the endpoints that changed and no others', async () => {
    cache.setSnapshot(withFence(two));
    const { client } = await connectFully();
    cache.setSnapshot(withFence(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.3'] })));
    expect(await client.next()).toMatchObject({ kind: 'endpoint', names: ['b'] });
    expect(await sentUntilNow(client)).toEqual([]);
  });
});

describe('rule 6: clusters and listeners come whole, routes and endpoints one by one', () => {
  it('sends every cluster when one changes', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('cluster');
    client.ack(await client.next());
    const changed = { ...two, clusters: new Map([...two.clusters, ['c', clusterMessage('c')]]) };
    cache.setSnapshot(changed);
    expect((await client.next()).names).toEqual(['a', 'b', 'c']);
  });

  it('sends an empty response when everything is gone, and when there is nothing to begin with', async () => {
    cache.setSnapshot(resourceSet({}));
    const client = connect();
    client.request('listener');
    expect((await client.next()).names).toEqual([]);
    cache.setSnapshot(two);
    expect((await client.next()).names).toEqual(['a', 'b']);
    cache.setSnapshot(resourceSet({}));
    expect((await client.next()).names).toEqual([]);
  });

  it('says nothing when an endpoint assignment goes away, and sends it when it comes back the same', async () => {
    cache.setSnapshot(withFence(two));
    const { client } = await connectFully();
    const without = { ...withFence(two), assignments: new Map(withFence(two).assignments) };
    without.assignments.delete('a');
    cache.setSnapshot(without);
    client.request('listener', [], { responseNonce: '1' });
    cache.setSnapshot(withFence(two));
    expect(await client.next()).toMatchObject({ kind: 'endpoint', names: ['a'] });
  });
});

describe('rule 7: a name that is subscribed to again is sent again', () => {
  it('although it did not change', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('endpoint', ['a', 'b']);
    const first = await client.next();
    client.ack(first, ['b']);
    client.ack(first, ['a', 'b']);
    expect(await client.next()).toMatchObject({ names: ['a'], version: first.version });
  });

  it('and only the new one of several', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('route', ['a']);
    client.ack(await client.next(), ['a', 'b']);
    expect((await client.next()).names).toEqual(['b']);
  });
});

describe('rule 8: names that do not exist are remembered', () => {
  it('and sent when they come to be', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('route', ['later', 'a']);
    client.ack(await client.next(), ['later', 'a']);
    cache.setSnapshot({ ...two, routes: new Map([...two.routes, ['later', routeMessage('later', 'a')]]) });
    expect((await client.next()).names).toEqual(['later']);
  });

  it('and a response without them shows that a listener or cluster does not exist', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('listener', ['nobody']);
    expect((await client.next()).names).toEqual([]);
  });
});

describe('rule 9: wildcard is *, or never having named anything', () => {
  it('takes * for all, also together with names', async () => {
    cache.setSnapshot(two);
    const star = connect();
    star.request('listener', ['*', 'x']);
    expect((await star.next()).names).toEqual(['a', 'b']);
    expect(ads.status()[0]?.types[0]?.subscribed).toBe('all');
  });

  it('sends nothing when a name is not named any more beside *', async () => {
    cache.setSnapshot(withFence(two));
    const client = connect();
    client.request('cluster', ['*', 'a']);
    client.ack(await client.next(), ['*']);
    expect(await sentUntilNow(client)).toEqual([]);
  });

  it('unsubscribes from all by an empty list after a name', async () => {
    cache.setSnapshot(withFence(two));
    const client = connect();
    client.request('cluster', ['a']);
    client.ack(await client.next());
    cache.setSnapshot(withFence(serviceSet({ a: ['10.0.0.1'] })));
    expect(await sentUntilNow(client)).toEqual([]);
  });

  it('answers what was named, without waiting for the other names', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('cluster', ['b']);
    const first = await client.next();
    expect(first.names).toEqual(['b']);
    client.ack(first, ['b', 'a']);
    expect((await client.next()).names).toEqual(['a', 'b']);
  });

  it('has no wildcard for routes and endpoints', async () => {
    cache.setSnapshot(withFence(two));
    const client = connect();
    client.request('route');
    client.request('endpoint');
    expect(await sentUntilNow(client)).toEqual([]);
  });
});

describe('rule 11: no name stands in a response twice', () => {
  it('not even when it is asked for twice', async () => {
    cache.setSnapshot(two);
    const client = connect();
    client.request('route', ['a', 'a', 'b']);
    expect((await client.next()).names).toEqual(['a', 'b']);
  });

  it('nor when a set has it under two keys: that set is refused', () => {
    const clusters = new Map([['x', clusterMessage('a')]]);
    expect(() => cache.setSnapshot({ ...two, clusters })).toThrow('the cluster under the key "x" is called "a"');
  });
});

describe('rule 12: make before break', () => {
  it('sends clusters, endpoints, listeners, routes, and then the clusters without those that went away', async () => {
    cache.setSnapshot(two);
    const { client } = await connectFully();
    cache.setSnapshot(
      resourceSet({
        listeners: [listenerMessage('a', 'a'), listenerMessage('c', 'a')],
        routes: [routeMessage('a', 'new')],
        clusters: [clusterMessage('b'), clusterMessage('new')],
        assignments: [assignmentMessage('b', '10.0.0.9')],
      }),
    );
    const sent = [
      await client.next(),
      await client.next(),
      await client.next(),
      await client.next(),
      await client.next(),
    ];
    expect(sent.map(({ kind, names }) => [kind, names])).toEqual([
      ['cluster', ['a', 'b', 'new']],
      ['endpoint', ['b']],
      ['listener', ['a', 'c']],
      ['route', ['a']],
      ['cluster', ['b', 'new']],
    ]);
    expect(new Set([sent[0]?.version, sent[4]?.version, cache.current?.cluster.version]).size).toBe(2);
  });

  it('sends clusters last when some only go away', async () => {
    cache.setSnapshot(two);
    const { client } = await connectFully();
    cache.setSnapshot({
      ...two,
      routes: new Map([['a', routeMessage('a', 'b')]]),
      clusters: new Map([['b', clusterMessage('b')]]),
    });
    expect(await client.next()).toMatchObject({ kind: 'route', names: ['a'] });
    expect(await client.next()).toMatchObject({ kind: 'cluster', names: ['b'] });
  });
});

describe('rule 13: what was changed needs what it refers to once more', () => {
  it('sends the endpoints of a changed cluster although they are the same', async () => {
    cache.setSnapshot(withFence(two));
    const { client } = await connectFully();
    const clusters = new Map([...two.clusters, ['a', clusterMessage('a', { connectTimeout: { seconds: 9n } })]]);
    cache.setSnapshot(withFence({ ...two, clusters }));
    expect(await client.next()).toMatchObject({ kind: 'cluster', names: ['a', 'b'] });
    expect(await client.next()).toMatchObject({ kind: 'endpoint', names: ['a'] });
    expect(await sentUntilNow(client)).toEqual([]);
  });

  it('sends the routes of a changed listener although they are the same', async () => {
    cache.setSnapshot(withFence(two));
    const { client } = await connectFully();
    const listeners = new Map([...two.listeners, ['a', listenerMessage('a', 'a', { statPrefix: 'x' })]]);
    cache.setSnapshot(withFence({ ...two, listeners }));
    expect(await client.next()).toMatchObject({ kind: 'listener', names: ['a', 'b'] });
    expect(await client.next()).toMatchObject({ kind: 'route', names: ['a'] });
    expect(await sentUntilNow(client)).toEqual([]);
  });
});

describe('the server', () => {
  it('knows of each stream what was accepted', async () => {
    cache.setSnapshot(two);
    const { client, first } = await connectFully();
    client.request('route', ['a', 'b'], { responseNonce: first.route.nonce });
    client.request('cluster', ['a'], { responseNonce: first.cluster.nonce });
    await client.next();
    const types = Object.fromEntries(ads.status()[0]!.types.map((type) => [type.typeUrl, type]));
    expect(types[typeUrls.listener]).toEqual({
      typeUrl: typeUrls.listener,
      subscribed: 'all',
      sentVersion: first.listener.version,
      ackedVersion: first.listener.version,
      nack: undefined,
    });
    expect(types[typeUrls.route]).toMatchObject({ subscribed: ['a', 'b'], ackedVersion: first.route.version });
  });

  it('forgets a stream that its client has ended', async () => {
    cache.setSnapshot(two);
    const leaving = connect();
    leaving.request('cluster');
    await leaving.next();
    leaving.close();
    await leaving.status;
    await expect.poll(() => ads.status()).toEqual([]);
    const staying = connect();
    staying.request('cluster');
    await staying.next();
    expect(ads.status()).toHaveLength(1);
  });

  it('ends all streams when it closes, and later ones at once', async () => {
    const client = connect();
    client.request('cluster');
    await expect.poll(() => ads.status()).toHaveLength(1);
    ads.close();
    expect(await client.status).toMatchObject({ code: status.OK });
    expect(await connect().status).toMatchObject({ code: status.OK });
    cache.setSnapshot(two);
  });
});
