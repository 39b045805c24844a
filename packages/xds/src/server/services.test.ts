import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serviceSet } from '../../test/fixtures.js';
import { type RunningServer, startGrpcServer } from '../../test/grpc-server.js';
import { RecordingLogger } from '../../test/logger.js';
import { Peer } from '../../test/peer.js';
import { adsService } from '../grpc/ads-service.js';
import { singleTypeServices } from '../grpc/single-type-services.js';
import { clientStatusService, loadReportingService } from '../grpc/status-services.js';
import {
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  ConfigStatus,
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  LoadStatsRequestSchema,
} from '../messages.js';
import { resourceKinds, typeUrls } from '../resources/type-urls.js';
import { AdsServer } from './ads-server.js';
import { ClientStatusServer } from './client-status-server.js';
import { LoadReportServer } from './load-report-server.js';
import type { ClusterLoad } from './load-reports.js';
import { SnapshotCache } from './snapshot-cache.js';

let cache: SnapshotCache;
let ads: AdsServer;
let loads: LoadReportServer;
let seen: ClusterLoad[];
let server: RunningServer;
let peer: Peer;

const two = serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] });
const node = { id: 'n1', cluster: 'c1' };

beforeEach(async () => {
  cache = new SnapshotCache();
  cache.setSnapshot(two);
  const logger = new RecordingLogger();
  const now = () => 1000;
  seen = [];
  ads = new AdsServer({ cache, logger, now });
  loads = new LoadReportServer({ cache, logger, now, onLoad: (load) => seen.push(load) });
  server = await startGrpcServer((grpc) => {
    ads.addTo(grpc);
    loads.addTo(grpc);
    new ClientStatusServer(ads).addTo(grpc);
  });
  peer = new Peer(server.address);
});

afterEach(() => {
  peer.close();
  ads.close();
  loads.close();
  server.kill();
});

describe('discovery over sockets', () => {
  it('serves every type on one incremental stream', async () => {
    const stream = peer.open(adsService.deltaAggregatedResources);
    for (const kind of resourceKinds) {
      stream.send(
        create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls[kind], resourceNamesSubscribe: ['a'], node }),
      );
      const { typeUrl, resources } = await stream.next();
      expect([typeUrl, resources.map(({ name }) => name)]).toEqual([typeUrls[kind], ['a']]);
    }
    expect(ads.status()).toMatchObject([{ nodeId: 'n1', service: 'ads', variant: 'incremental' }]);
  });

  it.each(resourceKinds)('serves %s on streams of its own, in both variants, without a type URL', async (kind) => {
    const world = peer.open(singleTypeServices[kind].stream);
    world.send(create(DiscoveryRequestSchema, { resourceNames: ['a'], node }));
    expect(await world.next()).toMatchObject({ typeUrl: typeUrls[kind], resources: [{}] });
    const delta = peer.open(singleTypeServices[kind].delta);
    delta.send(create(DeltaDiscoveryRequestSchema, { resourceNamesSubscribe: ['b'], node }));
    expect(await delta.next()).toMatchObject({ typeUrl: typeUrls[kind], resources: [{ name: 'b' }] });
    expect(ads.status()).toMatchObject([
      { nodeId: 'n1', service: kind, variant: 'state of the world' },
      { nodeId: 'n1', service: kind, variant: 'incremental' },
    ]);
  });

  it('ends a stream of one type that asks for another', async () => {
    const stream = peer.open(singleTypeServices.cluster.stream);
    stream.send(create(DiscoveryRequestSchema, { typeUrl: typeUrls.route }));
    expect(await stream.status).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('serves many streams of one client, each what it asked for', async () => {
    const streams = Array.from({ length: 50 }, () => peer.open(singleTypeServices.endpoint.delta));
    for (const [index, stream] of streams.entries()) {
      const resourceNamesSubscribe = [index % 2 === 0 ? 'a' : 'b'];
      stream.send(create(DeltaDiscoveryRequestSchema, { resourceNamesSubscribe, node }));
    }
    const first = await Promise.all(streams.map((stream) => stream.next()));
    expect(new Set(first.map(({ resources }, index) => `${index % 2} ${resources[0]?.name}`))).toEqual(
      new Set(['0 a', '1 b']),
    );
    cache.setSnapshot(serviceSet({ a: ['10.0.0.3'], b: ['10.0.0.4'] }));
    const second = await Promise.all(streams.map((stream) => stream.next()));
    expect(second.map(({ resources }) => resources.length)).toEqual(streams.map(() => 1));
  });
});

describe('a client that reads slowly', () => {
  const many = (octet: number) =>
    serviceSet({ a: Array.from({ length: 5000 }, (_, index) => `10.${octet}.${index >> 8}.${index & 255}`) });

  it.each(['stream', 'delta'] as const)(
    'is sent the newest state, and not all that were before: %s',
    async (method) => {
      const stream =
        method === 'stream'
          ? peer.open(singleTypeServices.endpoint.stream)
          : peer.open(singleTypeServices.endpoint.delta);
      const subscribe =
        method === 'stream'
          ? create(DiscoveryRequestSchema, { resourceNames: ['a'] })
          : create(DeltaDiscoveryRequestSchema, { resourceNamesSubscribe: ['a'] });
      (stream as { send(request: typeof subscribe): void }).send(subscribe);
      await stream.next();
      stream.pause();
      for (let octet = 1; octet <= 100; octet += 1) {
        cache.setSnapshot(many(octet));
        await new Promise(setImmediate);
      }
      stream.resume();
      const newest = cache.current!.endpoint.version;
      let count = 0;
      for (let version = ''; version !== newest; count += 1) {
        const response = await stream.next();
        version = 'versionInfo' in response ? response.versionInfo : response.systemVersionInfo;
      }
      expect(count).toBeLessThan(20);
    },
  );
});

describe('CSDS', () => {
  const fetch = (init: Partial<Pick<ClientStatusRequest, 'excludeResourceContents'>> = {}, id?: string) =>
    peer.call(
      clientStatusService.fetchClientStatus,
      create(ClientStatusRequestSchema, {
        ...init,
        nodeMatchers: id === undefined ? [] : [{ nodeId: { matchPattern: { case: 'prefix', value: id } } }],
      }),
    );

  /** A client that has accepted its clusters, refused its endpoints, and not answered for its routes. */
  async function connect(): Promise<void> {
    const stream = peer.open(adsService.streamAggregatedResources);
    const request = (typeUrl: string, resourceNames: string[], responseNonce = '', message = '') =>
      stream.send(
        create(DiscoveryRequestSchema, {
          typeUrl,
          resourceNames,
          responseNonce,
          node,
          ...(message !== '' && { errorDetail: { code: 3, message } }),
        }),
      );
    request(typeUrls.cluster, []);
    request(typeUrls.cluster, [], (await stream.next()).nonce);
    request(typeUrls.endpoint, ['a', 'none']);
    request(typeUrls.endpoint, ['a', 'none'], (await stream.next()).nonce, 'endpoint "a": no');
    request(typeUrls.route, ['b']);
    await stream.next();
  }

  it('tells of each resource whether the client has it', async () => {
    await connect();
    const { config } = await fetch();
    expect(config.map((client) => client.node?.id)).toEqual(['n1']);
    const states = config[0]?.genericXdsConfigs.map(({ typeUrl, name, configStatus }) => [typeUrl, name, configStatus]);
    expect(states).toEqual([
      [typeUrls.cluster, 'a', ConfigStatus.SYNCED],
      [typeUrls.cluster, 'b', ConfigStatus.SYNCED],
      [typeUrls.endpoint, 'a', ConfigStatus.ERROR],
      [typeUrls.endpoint, 'none', ConfigStatus.NOT_SENT],
      [typeUrls.route, 'b', ConfigStatus.STALE],
    ]);
  });

  it('has the versions, the resources, and what a refusal said', async () => {
    await connect();
    const [cluster, , refused] = (await fetch()).config[0]!.genericXdsConfigs;
    expect(cluster?.versionInfo).toBe(cache.current?.cluster.resources.get('a')?.version);
    expect(cluster?.xdsConfig?.typeUrl).toBe(typeUrls.cluster);
    expect(cluster?.errorState).toBeUndefined();
    expect(refused?.errorState).toMatchObject({ details: 'endpoint "a": no', lastUpdateAttempt: { seconds: 1n } });
    const bare = (await fetch({ excludeResourceContents: true })).config[0]!.genericXdsConfigs;
    expect(bare.map(({ xdsConfig }) => xdsConfig)).toEqual(bare.map(() => undefined));
  });

  it('tells of the nodes that match only', async () => {
    await connect();
    expect((await fetch({}, 'n')).config).toHaveLength(1);
    expect((await fetch({}, 'other')).config).toHaveLength(0);
  });

  it('refuses a matcher that it cannot read, with the field', async () => {
    const request = create(ClientStatusRequestSchema, { nodeMatchers: [{ nodeMetadatas: [{}] }] });
    await expect(peer.call(clientStatusService.fetchClientStatus, request)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('node_matchers[0].node_metadatas: is not supported: match by node_id'),
    });
  });

  it('answers each request of a stream', async () => {
    const stream = peer.open(clientStatusService.streamClientStatus);
    stream.send(create(ClientStatusRequestSchema));
    expect((await stream.next()).config).toEqual([]);
    await connect();
    stream.send(create(ClientStatusRequestSchema));
    expect((await stream.next()).config).toHaveLength(1);
  });
});

describe('LRS', () => {
  const locality = { region: 'r', zone: 'z' };
  const report = (clusterName: string, succeeded: bigint) =>
    create(LoadStatsRequestSchema, {
      node: { id: 'n1', clientFeatures: ['envoy.lrs.supports_send_all_clusters'] },
      clusterStats: [
        {
          clusterName,
          totalDroppedRequests: 2n,
          loadReportInterval: { seconds: 10n },
          upstreamLocalityStats: [
            { locality, totalSuccessfulRequests: succeeded, totalErrorRequests: 1n, totalIssuedRequests: 9n },
          ],
        },
      ],
    });

  it('asks for all clusters every 10 s, and keeps the latest report of each', async () => {
    const stream = peer.open(loadReportingService.streamLoadStats);
    stream.send(create(LoadStatsRequestSchema, { node: report('', 0n).node! }));
    expect(await stream.next()).toMatchObject({ sendAllClusters: true, loadReportingInterval: { seconds: 10n } });
    stream.send(report('a', 7n));
    stream.send(report('b', 1n));
    stream.send(report('a', 8n));
    await expect.poll(() => seen).toHaveLength(3);
    expect(loads.reports()).toEqual([
      {
        nodeId: 'n1',
        receivedAtMs: 1000,
        cluster: 'a',
        dropped: 2,
        intervalMs: 10_000,
        localities: [{ locality: 'r/z', priority: 0, succeeded: 8, failed: 1, issued: 9, inProgress: 0 }],
      },
      expect.objectContaining({ cluster: 'b' }),
    ]);
    stream.close();
    await expect.poll(() => loads.reports()).toEqual([]);
  });

  it('names the clusters to a client that cannot send all, again when they change', async () => {
    const stream = peer.open(loadReportingService.streamLoadStats);
    stream.send(create(LoadStatsRequestSchema, { node }));
    expect(await stream.next()).toMatchObject({ sendAllClusters: false, clusters: ['a', 'b'] });
    cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], c: ['10.0.0.3'] }));
    expect(await stream.next()).toMatchObject({ clusters: ['a', 'c'] });
  });
});
