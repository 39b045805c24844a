import { status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  assignmentMessage,
  clusterMessage,
  listenerMessage,
  resourceSet,
  routeMessage,
  serviceSet,
} from '../../test/fixtures.js';
import { DeltaStream } from '../../test/in-process-stream.js';
import { resourceKinds, typeUrls } from '../resources/type-urls.js';
import { SnapshotCache } from './snapshot-cache.js';

let cache: SnapshotCache;
let client: DeltaStream;

const two = serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] });

beforeEach(() => {
  cache = new SnapshotCache();
  client = new DeltaStream(cache);
});

/** Subscribes to all of two services. */
function subscribeFully(): void {
  cache.setSnapshot(two);
  client.subscribe('cluster');
  client.subscribe('endpoint', 'a', 'b');
  client.subscribe('listener');
  client.subscribe('route', 'a', 'b');
  client.take();
}

const versionsOf = (kind: 'cluster' | 'endpoint') =>
  Object.fromEntries([...cache.current![kind].resources].map(([name, { version }]) => [name, version]));

describe('an incremental subscription', () => {
  it('to nothing in the first request is one to everything', () => {
    cache.setSnapshot(two);
    client.subscribe('cluster');
    expect(client.news()).toEqual([{ kind: 'cluster', names: ['a', 'b'], removed: [] }]);
    expect(client.stream.status.types).toMatchObject([{ typeUrl: typeUrls.cluster, subscribed: 'all' }]);
  });

  it('to * is one to everything, also later and beside names', () => {
    cache.setSnapshot(two);
    client.subscribe('listener', 'a', 'none');
    expect(client.news()).toEqual([
      { kind: 'listener', names: ['a'], removed: [] },
      { kind: 'listener', names: [], removed: ['none'] },
    ]);
    client.subscribe('listener', '*');
    expect(client.news()).toEqual([{ kind: 'listener', names: ['a', 'b'], removed: [] }]);
  });

  it('has no wildcard for routes and endpoints', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint');
    client.subscribe('route');
    expect(client.news()).toEqual([]);
  });

  it('says that there is nothing when there is nothing', () => {
    cache.setSnapshot(resourceSet({}));
    client.subscribe('cluster');
    client.subscribe('cluster', '*');
    expect(client.news()).toEqual([
      { kind: 'cluster', names: [], removed: [] },
      { kind: 'cluster', names: [], removed: [] },
    ]);
    cache.setSnapshot(two);
    expect(client.news()).toEqual([{ kind: 'cluster', names: ['a', 'b'], removed: [] }]);
  });

  it('is held until there is a snapshot', () => {
    client.subscribe('endpoint', 'a');
    expect(client.news()).toEqual([]);
    cache.setSnapshot(two);
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['a'], removed: [] }]);
  });

  it('to an unknown name is answered with its removal, remembered, and served when it comes to be', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint', 'later');
    expect(client.news()).toEqual([{ kind: 'endpoint', names: [], removed: ['later'] }]);
    cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.9'] }));
    expect(client.news()).toEqual([]);
    cache.setSnapshot(serviceSet({ later: ['10.0.0.3'] }));
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['later'], removed: [] }]);
  });

  it('that is made again is answered again', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint', 'a');
    client.take();
    client.subscribe('endpoint', 'a');
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['a'], removed: [] }]);
    client.unsubscribe('endpoint', 'a');
    client.subscribe('endpoint', 'a');
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['a'], removed: [] }]);
  });

  it('that ends is not answered, and one that never was neither', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint', 'a', 'b');
    client.take();
    client.unsubscribe('endpoint', 'a', 'phantom');
    cache.setSnapshot(serviceSet({ a: ['10.0.0.7'], b: ['10.0.0.8'], phantom: ['10.0.0.9'] }));
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['b'], removed: [] }]);
  });

  it('that ends under wildcard is answered with what the client still is to have', () => {
    cache.setSnapshot(two);
    client.subscribe('cluster', '*', 'a', 'none');
    client.take();
    client.unsubscribe('cluster', 'a', 'none');
    expect(client.news()).toEqual([
      { kind: 'cluster', names: ['a'], removed: [] },
      { kind: 'cluster', names: [], removed: ['none'] },
    ]);
  });

  it('to everything ends with *, and the names stay', () => {
    cache.setSnapshot(two);
    client.subscribe('cluster', '*', 'a');
    client.take();
    client.unsubscribe('cluster', '*');
    cache.setSnapshot({
      ...two,
      clusters: new Map(['a', 'b'].map((name) => [name, clusterMessage(name, { altStatName: 'x' })])),
    });
    expect(client.news()).toEqual([{ kind: 'cluster', names: ['a'], removed: [] }]);
  });

  it('to everything that is made again is told what is gone of that which may still be on its way', () => {
    cache.setSnapshot(two);
    client.subscribe('cluster', '*');
    client.unsubscribe('cluster', '*');
    cache.setSnapshot(serviceSet({ b: ['10.0.0.2'] }));
    client.take();
    client.subscribe('cluster', '*');
    expect(client.news()).toEqual([
      { kind: 'cluster', names: ['b'], removed: [] },
      { kind: 'cluster', names: [], removed: ['a'] },
    ]);
  });

  it('changes although its nonce is stale, and unlike the state of the world', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint', 'a');
    const [first] = client.take();
    client.subscribe('endpoint', 'b');
    client.take();
    client.request('endpoint', { responseNonce: first!.nonce, resourceNamesSubscribe: ['c'] });
    expect(client.news()).toEqual([{ kind: 'endpoint', names: [], removed: ['c'] }]);
  });
});

describe('a change', () => {
  it('is sent as what is different, with a version for each resource', () => {
    subscribeFully();
    cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.3'] }));
    const [response, ...others] = client.take();
    expect(others).toEqual([]);
    expect(response?.typeUrl).toBe(typeUrls.endpoint);
    expect(response?.systemVersionInfo).toBe(cache.current!.endpoint.version);
    expect(response?.resources.map(({ name, version }) => ({ name, version }))).toEqual([
      { name: 'b', version: cache.current!.endpoint.resources.get('b')?.version },
    ]);
  });

  it('that leaves the content alone is not sent', () => {
    subscribeFully();
    cache.setSnapshot(serviceSet({ b: ['10.0.0.2'], a: ['10.0.0.1'] }));
    expect(client.news()).toEqual([]);
  });

  it('makes before it breaks: clusters, endpoints, listeners, routes, and then what is gone (rule 12)', () => {
    subscribeFully();
    cache.setSnapshot(
      resourceSet({
        listeners: [listenerMessage('c', 'a')],
        routes: [routeMessage('a', 'new')],
        clusters: [clusterMessage('b'), clusterMessage('new')],
        assignments: [assignmentMessage('b', '10.0.0.9')],
      }),
    );
    expect(client.news()).toEqual([
      { kind: 'cluster', names: ['new'], removed: [] },
      { kind: 'endpoint', names: ['b'], removed: [] },
      { kind: 'listener', names: ['c'], removed: [] },
      { kind: 'route', names: ['a'], removed: [] },
      { kind: 'listener', names: [], removed: ['a', 'b'] },
      { kind: 'route', names: [], removed: ['b'] },
      { kind: 'cluster', names: [], removed: ['a'] },
      { kind: 'endpoint', names: [], removed: ['a'] },
    ]);
  });

  it('of a cluster or listener brings what it refers to once more (rule 13)', () => {
    subscribeFully();
    const clusters = new Map([...two.clusters, ['a', clusterMessage('a', { connectTimeout: { seconds: 9n } })]]);
    const listeners = new Map([...two.listeners, ['b', listenerMessage('b', 'b', { statPrefix: 'x' })]]);
    cache.setSnapshot({ ...two, clusters, listeners });
    expect(client.news()).toEqual([
      { kind: 'cluster', names: ['a'], removed: [] },
      { kind: 'endpoint', names: ['a'], removed: [] },
      { kind: 'listener', names: ['b'], removed: [] },
      { kind: 'route', names: ['b'], removed: [] },
    ]);
  });

  it('that takes a resource away and brings it back the same is sent', () => {
    subscribeFully();
    cache.setSnapshot({ ...two, assignments: new Map() });
    cache.setSnapshot(two);
    expect(client.news()).toEqual([
      { kind: 'endpoint', names: [], removed: ['a', 'b'] },
      { kind: 'endpoint', names: ['a', 'b'], removed: [] },
    ]);
  });

  it('that comes while a slow client reads is sent as the newest state, once', () => {
    subscribeFully();
    client.call.isSlow = true;
    for (let last = 10; last < 100; last += 1)
      cache.setSnapshot(serviceSet({ a: [`10.0.0.${last}`], b: ['10.0.0.2'] }));
    expect(client.call.written).toHaveLength(5);
    client.call.flush();
    client.call.flush();
    expect(client.news()).toHaveLength(2);
    expect(client.call.written.at(-1)?.systemVersionInfo).toBe(cache.current!.endpoint.version);
  });
});

describe('a client that comes back', () => {
  it('is sent the difference to what it has', () => {
    cache.setSnapshot(two);
    const before = versionsOf('cluster');
    cache.setSnapshot(
      resourceSet({ clusters: [clusterMessage('b'), clusterMessage('c')], assignments: [...two.assignments.values()] }),
    );
    client.request('cluster', { initialResourceVersions: { ...before, gone: 'x' } });
    expect(client.news()).toEqual([
      { kind: 'cluster', names: ['c'], removed: [] },
      { kind: 'cluster', names: [], removed: ['a', 'gone'] },
    ]);
  });

  it('is told that it has everything, when it asks for everything', () => {
    cache.setSnapshot(two);
    client.request('cluster', { resourceNamesSubscribe: ['*'], initialResourceVersions: versionsOf('cluster') });
    expect(client.news()).toEqual([{ kind: 'cluster', names: [], removed: [] }]);
  });

  it('with names is sent those that differ, and nothing when none does', () => {
    cache.setSnapshot(two);
    const initialResourceVersions = { ...versionsOf('endpoint'), b: 'old', unasked: 'x' };
    client.request('endpoint', { resourceNamesSubscribe: ['a', 'b'], initialResourceVersions });
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['b'], removed: [] }]);
    const other = new DeltaStream(cache);
    other.request('endpoint', { resourceNamesSubscribe: ['a'], initialResourceVersions: versionsOf('endpoint') });
    expect(other.news()).toEqual([]);
  });

  it('is sent the endpoints of a changed cluster, although it has them', () => {
    cache.setSnapshot(two);
    client.request('cluster', { initialResourceVersions: { ...versionsOf('cluster'), a: 'old' } });
    client.take();
    client.request('endpoint', {
      resourceNamesSubscribe: ['a', 'b'],
      initialResourceVersions: versionsOf('endpoint'),
    });
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['a'], removed: [] }]);
  });

  it('says what it has in the first request of a type only', () => {
    cache.setSnapshot(two);
    client.request('endpoint', { resourceNamesSubscribe: ['a'] });
    client.take();
    client.request('endpoint', { resourceNamesSubscribe: ['b'], initialResourceVersions: versionsOf('endpoint') });
    expect(client.news()).toEqual([{ kind: 'endpoint', names: ['b'], removed: [] }]);
  });
});

describe('a refusal', () => {
  const refuse = (nonce: string, message = 'no') =>
    client.request('endpoint', { responseNonce: nonce, errorDetail: { code: 3, message } });
  const nack = () => client.stream.status.types.find(({ typeUrl }) => typeUrl === typeUrls.endpoint)?.nack;

  it('is remembered with its message, and the same is not sent again', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint', 'a');
    const [response] = client.take();
    refuse(response!.nonce, 'endpoint "a": no');
    cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.7'] }));
    expect(client.news()).toEqual([]);
    expect(nack()).toEqual({ version: response?.systemVersionInfo, message: 'endpoint "a": no', atMs: 1000 });
    expect(client.logger.lines).toHaveLength(1);
  });

  it('stands while another resource is sent, until the refused one is', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint', 'a', 'b');
    const [first] = client.take();
    refuse(first!.nonce);
    cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.7'] }));
    expect(nack()).toMatchObject({ message: 'no' });
    cache.setSnapshot(serviceSet({ a: ['10.0.0.8'], b: ['10.0.0.7'] }));
    expect(nack()).toBeUndefined();
  });

  it('of a response before the last one counts', () => {
    cache.setSnapshot(two);
    client.subscribe('endpoint', 'a');
    client.subscribe('endpoint', 'b');
    const [first, second] = client.take();
    refuse(first!.nonce, 'late');
    client.request('endpoint', { responseNonce: second!.nonce });
    expect(nack()).toMatchObject({ message: 'late' });
    expect(client.stream.status.types[0]?.ackedVersion).toBe(second?.systemVersionInfo);
  });
});

describe('a stream of one type', () => {
  it('needs no type URL', () => {
    cache.setSnapshot(two);
    const single = new DeltaStream(cache, { service: 'endpoint' });
    single.request('endpoint', { typeUrl: '', resourceNamesSubscribe: ['a'] });
    expect(single.news()).toEqual([{ kind: 'endpoint', names: ['a'], removed: [] }]);
  });

  it.each(resourceKinds.filter((kind) => kind !== 'endpoint'))('refuses the type of another: %s', (kind) => {
    const single = new DeltaStream(cache, { service: 'endpoint' });
    single.request(kind);
    expect(single.call.errors).toEqual([
      {
        code: status.INVALID_ARGUMENT,
        details: `type_url is "${typeUrls[kind]}", and this service has "${typeUrls.endpoint}" only`,
      },
    ]);
  });
});

it('refuses a client that makes up names without end', () => {
  cache.setSnapshot(two);
  for (let chunk = 0; chunk < 3; chunk += 1) {
    client.subscribe('endpoint', ...Array.from({ length: 100_000 }, (_, index) => `${chunk}-${index}`));
    client.take();
  }
  expect(client.call.errors).toMatchObject([{ code: status.RESOURCE_EXHAUSTED }]);
});
