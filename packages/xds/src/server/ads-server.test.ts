import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { clusterMessage, resourceSet, serviceSet } from '../../test/fixtures.js';
import { ads, cache, connect, connectFully, logger, sentUntilNow, two, withFence } from '../../test/served-ads.js';
import { typeUrls } from '../resources/type-urls.js';
import { SnapshotCache } from './snapshot-cache.js';

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
