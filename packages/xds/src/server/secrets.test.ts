import { create, toJson } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretMessage, serviceSet, trustMessage } from '../../test/fixtures.js';
import { type RunningServer, startGrpcServer } from '../../test/grpc-server.js';
import { DeltaStream, WorldStream } from '../../test/in-process-stream.js';
import { RecordingLogger } from '../../test/logger.js';
import { Peer } from '../../test/peer.js';
import { adsService } from '../grpc/ads-service.js';
import { singleTypeServices } from '../grpc/single-type-services.js';
import { clientStatusService } from '../grpc/status-services.js';
import {
  ClientStatusRequestSchema,
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  type Secret,
  SecretSchema,
} from '../messages.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { typeUrls } from '../resources/type-urls.js';
import { AdsServer } from './ads-server.js';
import { ClientStatusServer } from './client-status-server.js';
import { isLoopback } from './private-secrets.js';
import { SnapshotCache } from './snapshot-cache.js';

const key =
  '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7\n-----END PRIVATE KEY-----\n';

function withSecrets(...secrets: Secret[]): ResourceSet {
  return { ...serviceSet({ a: ['10.0.0.1'] }), secrets: new Map(secrets.map((secret) => [secret.name, secret])) };
}

const both = withSecrets(secretMessage('cert', key), trustMessage('cert-cacert'));

function read(any: Any): object {
  return toJson(SecretSchema, anyUnpack(any, SecretSchema)!) as object;
}

function cacheOf(set: ResourceSet): SnapshotCache {
  const cache = new SnapshotCache();
  cache.setSnapshot(set);
  return cache;
}

describe('Secrets', () => {
  it('are given by name', () => {
    const client = new DeltaStream(cacheOf(both));
    client.subscribe('secret', 'cert');
    client.subscribe('secret', 'cert-cacert', 'none');
    expect(client.news()).toEqual([
      { kind: 'secret', names: ['cert'], removed: [] },
      { kind: 'secret', names: ['cert-cacert'], removed: [] },
      { kind: 'secret', names: [], removed: ['none'] },
    ]);
  });

  it('are never given to who does not name them', () => {
    const cache = cacheOf(both);
    const delta = new DeltaStream(cache);
    delta.request('secret');
    delta.subscribe('secret', '*');
    expect(delta.news()).toEqual([{ kind: 'secret', names: [], removed: ['*'] }]);
    const world = new WorldStream(cache);
    world.request('secret');
    world.request('secret', ['*']);
    expect(world.take()).toEqual([]);
  });

  it('come after the clusters and endpoints that may need them, and before listeners', () => {
    const cache = new SnapshotCache();
    const client = new DeltaStream(cache);
    for (const kind of ['listener', 'secret', 'endpoint', 'cluster', 'route'] as const) {
      client.subscribe(kind, kind === 'secret' ? 'cert' : 'a');
    }
    cache.setSnapshot(both);
    expect(client.news().map(({ kind }) => kind)).toEqual(['cluster', 'endpoint', 'secret', 'listener', 'route']);
  });

  it('are pushed when they change and when they come to be', () => {
    const cache = cacheOf(withSecrets());
    const [world, delta] = [new WorldStream(cache), new DeltaStream(cache)];
    world.request('secret', ['cert']);
    delta.subscribe('secret', 'cert');
    expect(world.take()).toEqual([]);
    expect(delta.news()).toEqual([{ kind: 'secret', names: [], removed: ['cert'] }]);
    for (const content of [key, `${key}${key}`]) {
      cache.setSnapshot(withSecrets(secretMessage('cert', content)));
      const [response] = world.take();
      expect(read(response!.resources[0]!)).toEqual(toJson(SecretSchema, secretMessage('cert', content)));
      expect(delta.news()).toEqual([{ kind: 'secret', names: ['cert'], removed: [] }]);
    }
    cache.setSnapshot(withSecrets());
    expect(world.take()).toEqual([]);
    expect(delta.news()).toEqual([{ kind: 'secret', names: [], removed: ['cert'] }]);
  });
});

describe('Private keys', () => {
  it.each(['10.0.0.9:40000', '128.0.0.1:40000', '::2:40000', 'fe80::1:40000', 'unknown', ''])(
    'do not exist for a client at %j',
    (peer) => {
      const cache = cacheOf(both);
      const delta = new DeltaStream(cache, { peer });
      delta.subscribe('secret', 'cert', 'cert-cacert');
      expect(delta.news()).toEqual([
        { kind: 'secret', names: ['cert-cacert'], removed: [] },
        { kind: 'secret', names: [], removed: ['cert'] },
      ]);
      const world = new WorldStream(cache, { peer });
      world.request('secret', ['cert', 'cert-cacert']);
      expect(
        world.take().flatMap(({ resources }) => resources.map((any) => anyUnpack(any, SecretSchema)?.name)),
      ).toEqual(['cert-cacert']);
      expect(delta.stream.resources().filter(({ any }) => any !== undefined)).toMatchObject([{ name: 'cert-cacert' }]);
    },
  );

  it.each(['127.0.0.1:40000', '127.9.9.9:40000', '::ffff:127.0.0.1:40000', '::1:40000'])('are given to %s', (peer) => {
    expect(isLoopback(peer)).toBe(true);
    const client = new DeltaStream(cacheOf(both), { peer });
    client.subscribe('secret', 'cert');
    expect(client.news()).toEqual([{ kind: 'secret', names: ['cert'], removed: [] }]);
  });

  it('that are withheld are logged once', () => {
    const client = new DeltaStream(cacheOf(both), { peer: '10.0.0.9:40000' });
    for (let times = 0; times < 3; times += 1) client.subscribe('secret', 'cert', 'other');
    expect(client.logger.lines).toHaveLength(1);
    expect(client.logger.lines[0]).toMatchObject({ level: 'warn', fields: { peer: '10.0.0.9:40000', name: 'cert' } });
  });

  it('that a client quotes in a refusal are neither kept nor logged', () => {
    const client = new WorldStream(cacheOf(both));
    client.request('secret', ['cert']);
    const nonce = client.take()[0]!.nonce;
    const message = `cannot use "${JSON.stringify(key)}"`;
    client.request('secret', ['cert'], { responseNonce: nonce, errorDetail: { message } });
    const shown = `${JSON.stringify(client.stream.status)} ${JSON.stringify(client.logger.lines)}`;
    expect(shown).toContain('cannot use');
    expect(shown).not.toContain('MIGHAgEAMBMGByqGSM49');
  });
});

describe('Over sockets', () => {
  let ads: AdsServer;
  let server: RunningServer;
  let peer: Peer;

  beforeEach(async () => {
    ads = new AdsServer({ cache: cacheOf(both), logger: new RecordingLogger() });
    server = await startGrpcServer((grpc) => {
      ads.addTo(grpc);
      new ClientStatusServer(ads).addTo(grpc);
    });
    peer = new Peer(server.address);
  });

  afterEach(() => {
    peer.close();
    ads.close();
    server.kill();
  });

  const node = { id: 'n1' };
  const served = toJson(SecretSchema, secretMessage('cert', key));
  const typeUrl = typeUrls.secret;

  it('secrets are served on streams of their own and on aggregated ones, in both variants', async () => {
    const { streamAggregatedResources, deltaAggregatedResources } = adsService;
    for (const method of [singleTypeServices.secret.stream, streamAggregatedResources]) {
      const stream = peer.open(method);
      stream.send(create(DiscoveryRequestSchema, { typeUrl, resourceNames: ['cert'], node }));
      const { resources } = await stream.next();
      expect(resources.map(read)).toEqual([served]);
    }
    for (const method of [singleTypeServices.secret.delta, deltaAggregatedResources]) {
      const stream = peer.open(method);
      stream.send(create(DeltaDiscoveryRequestSchema, { typeUrl, resourceNamesSubscribe: ['cert'], node }));
      const { resources } = await stream.next();
      expect(resources.map(({ resource }) => read(resource!))).toEqual([served]);
    }
  });

  it('the status of clients shows secrets without their keys', async () => {
    const stream = peer.open(singleTypeServices.secret.stream);
    stream.send(create(DiscoveryRequestSchema, { resourceNames: ['cert'], node }));
    await stream.next();
    const { config } = await peer.call(clientStatusService.fetchClientStatus, create(ClientStatusRequestSchema));
    const [shown] = config[0]!.genericXdsConfigs;
    expect(read(shown!.xdsConfig!)).toMatchObject({
      tlsCertificate: {
        certificateChain: { inlineBytes: btoa('a certificate') },
        privateKey: { inlineString: '[redacted]' },
      },
    });
    expect(Buffer.from(shown!.xdsConfig!.value).includes('PRIVATE KEY')).toBe(false);
  });
});
