import { describe, expect, it } from 'vitest';
import {
  assignmentMessage,
  clusterMessage,
  listenerMessage,
  resourceSet,
  routeMessage,
  serviceSet,
} from '../../test/fixtures.js';
import { ads, cache, connect, connectFully, sentUntilNow, two, withFence } from '../../test/served-ads.js';

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
