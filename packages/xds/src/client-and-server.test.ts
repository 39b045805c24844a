import type { MeshResources } from '@inmesh/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterMessage, resourceSet, serviceSet } from '../test/fixtures.js';
import { type RunningServer, startGrpcServer } from '../test/grpc-server.js';
import { Inbox } from '../test/inbox.js';
import { RecordingLogger } from '../test/logger.js';
import { realClock } from '../test/real-clock.js';
import { AdsClient, type AdsVariant, insecureServer } from './client/index.js';
import type { ResourceSet } from './resources/resource-set.js';
import { AdsServer, SnapshotCache } from './server/index.js';

interface ConfigServer extends RunningServer {
  readonly cache: SnapshotCache;
  readonly ads: AdsServer;
}

let published: Inbox<MeshResources>;
let history: MeshResources[];
let statuses: Inbox<string>;
let logger: RecordingLogger;
let client: AdsClient;
let server: ConfigServer;

async function start(variant: AdsVariant): Promise<void> {
  published = new Inbox();
  history = [];
  statuses = new Inbox();
  logger = new RecordingLogger();
  server = await serve(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] }));
  client = new AdsClient({
    servers: [insecureServer(server.address)],
    node: { id: 'n1', cluster: 'c1', metadata: {} },
    variant,
    clock: realClock,
    random: () => 0.01,
    logger,
    onResources: (resources) => {
      history.push(resources);
      published.put(resources);
    },
    onStatus: ({ kind }) => statuses.put(kind),
  });
  client.start();
}

afterEach(() => {
  client.close();
  server.kill();
});

async function serve(set: ResourceSet, port = 0): Promise<ConfigServer> {
  const cache = new SnapshotCache();
  cache.setSnapshot(set);
  const ads = new AdsServer({ cache, logger });
  return { ...(await startGrpcServer((grpc) => ads.addTo(grpc), port)), cache, ads };
}

const hostsOf = (resources: MeshResources) =>
  Object.fromEntries(
    [...resources.assignments].map(([name, { localities }]) => [
      name,
      localities.flatMap(({ endpoints }) => endpoints.map(({ host }) => host)),
    ]),
  );

describe.each<AdsVariant>(['state of the world', 'incremental'])('client and server together, %s,', (variant) => {
  beforeEach(() => start(variant));

  it('bring a configuration and its changes from one to the other', async () => {
    const first = await published.next();
    expect(hostsOf(first)).toEqual({ a: ['10.0.0.1'], b: ['10.0.0.2'] });
    expect([...first.listeners.keys(), ...first.routes.keys(), ...first.clusters.keys()]).toEqual([
      'a',
      'b',
      'a',
      'b',
      'a',
      'b',
    ]);
    server.cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.3', '10.0.0.4'] }));
    const second = await published.next();
    expect(hostsOf(second)).toEqual({ a: ['10.0.0.1'], b: ['10.0.0.3', '10.0.0.4'] });
    expect(second.routes.get('a')).toBe(first.routes.get('a'));
  });

  it('never show a route to a cluster without endpoints while services come and go', async () => {
    await published.next();
    server.cache.setSnapshot(serviceSet({ b: ['10.0.0.2'], c: ['10.0.0.3'] }));
    server.cache.setSnapshot(serviceSet({ c: ['10.0.0.3'], d: ['10.0.0.4'] }));
    server.cache.setSnapshot(serviceSet({ d: ['10.0.0.4'], e: ['10.0.0.5'] }));
    await published.nextThat(({ listeners }) => [...listeners.keys()].join() === 'd,e');
    for (const resources of history) {
      const names = [...resources.routes.keys()];
      expect(names.filter((name) => !resources.clusters.has(name) || !resources.assignments.has(name))).toEqual([]);
    }
  });

  it('agree on what was accepted', async () => {
    await published.next();
    const acked = () =>
      server.ads.status()[0]?.types.every(({ ackedVersion, sentVersion }) => ackedVersion === sentVersion);
    await expect.poll(acked).toBe(true);
    expect(server.ads.status()).toMatchObject([{ variant }]);
    expect(server.ads.status()[0]?.types).toHaveLength(4);
  });

  it('use N-1 when one of N is bad, and do not send the refused one round and round', async () => {
    await published.next();
    const bad = clusterMessage('bad', { connectTimeout: {} });
    const set = serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'], c: ['10.0.0.3'] });
    server.cache.setSnapshot({ ...set, clusters: new Map([...set.clusters, ['bad', bad]]) });
    const next = await published.nextThat(({ clusters }) => clusters.has('c'));
    expect([...next.clusters.keys()]).toEqual(['a', 'b', 'c']);
    expect(next.problems).toMatchObject([{ kind: 'cluster', name: 'bad', servesLastGood: false }]);
    const refusals = () => logger.lines.filter(({ message }) => message === 'a client refused its configuration');
    await expect.poll(refusals).toHaveLength(1);
    // An unrelated change goes all the way round: the refusal would have come back meanwhile.
    server.cache.setSnapshot({
      ...serviceSet({ a: ['10.0.0.9'], b: ['10.0.0.2'], c: ['10.0.0.3'] }),
      clusters: new Map([...set.clusters, ['bad', bad]]),
    });
    expect(hostsOf(await published.next()).a).toEqual(['10.0.0.9']);
    expect(refusals()).toHaveLength(1);
  });

  it('keep the last good configuration when the server dies, and take the newest when it is back', async () => {
    const first = await published.next();
    const port = Number(server.address.split(':')[1]);
    server.kill();
    await statuses.nextThat((kind) => kind === 'disconnected');
    expect(history).toEqual([first]);
    server = await serve(serviceSet({ a: ['10.0.0.1'], z: ['10.0.0.26'] }), port);
    const next = await published.nextThat(({ clusters }) => clusters.has('z') && !clusters.has('b'));
    expect(hostsOf(next)).toEqual({ a: ['10.0.0.1'], z: ['10.0.0.26'] });
    expect(next.clusters.get('a')).toBe(first.clusters.get('a'));
    expect(history.every(({ clusters }) => clusters.has('a'))).toBe(true);
  });

  it('say that there is nothing when there is nothing', async () => {
    await published.next();
    server.cache.setSnapshot(resourceSet({}));
    await published.nextThat(({ listeners, clusters }) => listeners.size === 0 && clusters.size === 0);
  });
});
