import { create } from '@bufbuild/protobuf';
import { AnySchema, anyPack } from '@bufbuild/protobuf/wkt';
import type { MeshResources } from '@inmesh/core';
import { seededRandom } from '@inmesh/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  assignmentMessage,
  clusterMessage,
  listenerMessage,
  nestingBomb,
  routeMessage,
  someAny,
} from '../../test/fixtures.js';
import { Inbox } from '../../test/inbox.js';
import { RecordingLogger } from '../../test/logger.js';
import { realClock } from '../../test/real-clock.js';
import { rawAny } from '../../test/responses.js';
import { ScriptedServer, type ScriptedStream } from '../../test/scripted-server.js';
import { ClusterSchema, ResourceSchema } from '../messages.js';
import { resourceTypes } from '../resources/resource-types.js';
import { typeUrls } from '../resources/type-urls.js';
import { AdsClient, type AdsStatus } from './ads-client.js';
import { insecureServer } from './server-config.js';

let server: ScriptedServer;
let serverUri: string;
let client: AdsClient;
let logger: RecordingLogger;
let published: Inbox<MeshResources>;
let statuses: AdsStatus[];

beforeEach(async () => {
  server = new ScriptedServer();
  serverUri = await server.start();
  logger = new RecordingLogger();
  published = new Inbox();
  statuses = [];
  client = new AdsClient({
    servers: [insecureServer(serverUri)],
    node: { id: 'n1', cluster: 'c1', metadata: { app: 'web' }, locality: { region: 'r', zone: 'z', subZone: '' } },
    clock: realClock,
    random: () => 0,
    logger,
    onResources: (resources) => published.put(resources),
    onStatus: (status) => statuses.push(status),
  });
});

afterEach(() => {
  client.close();
  server.kill();
});

const bad = clusterMessage('bad', { connectTimeout: {} });

/** The first requests for clusters and listeners have been read. */
async function open(): Promise<ScriptedStream> {
  client.start();
  const stream = await server.streams.next();
  await stream.next();
  await stream.next();
  return stream;
}

/** One service is delivered and published. */
async function openWithService(): Promise<{ stream: ScriptedStream; resources: MeshResources }> {
  const stream = await open();
  stream.respond('cluster', [clusterMessage('a')]);
  await stream.nextOf('cluster');
  stream.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
  await stream.nextOf('endpoint');
  stream.respond('listener', [listenerMessage('l', 'r')]);
  await stream.nextOf('listener');
  stream.respond('route', [routeMessage('r', 'a')]);
  await stream.nextOf('route');
  return { stream, resources: await published.next() };
}

describe('subscriptions', () => {
  it('begin with all clusters and listeners, and say who asks in the first request only', async () => {
    client.start();
    const stream = await server.streams.next();
    const [first, second] = [await stream.next(), await stream.next()];
    expect([first, second]).toMatchObject([
      { typeUrl: typeUrls.cluster, resourceNames: [], versionInfo: '', responseNonce: '' },
      { typeUrl: typeUrls.listener, resourceNames: [], versionInfo: '', responseNonce: '' },
    ]);
    expect(first.node).toMatchObject({ id: 'n1', cluster: 'c1', metadata: { app: 'web' }, locality: { zone: 'z' } });
    expect(second.node).toBeUndefined();
    expect(client.status).toEqual({ kind: 'connected', serverUri });
  });

  it('go on with the routes and endpoints that these name', async () => {
    const stream = await open();
    stream.respond('cluster', [clusterMessage('a'), clusterMessage('b')]);
    expect(await stream.nextOf('endpoint')).toMatchObject({ resourceNames: ['a', 'b'], responseNonce: '' });
    stream.respond('listener', [listenerMessage('l1', 'r1'), listenerMessage('l2', 'r2'), listenerMessage('l3', 'r1')]);
    expect(await stream.nextOf('route')).toMatchObject({ resourceNames: ['r1', 'r2'], responseNonce: '' });
  });

  it('follow a change with the nonce of the last response', async () => {
    const { stream } = await openWithService();
    stream.respond('cluster', [clusterMessage('a'), clusterMessage('b')], { nonce: '2' });
    expect(await stream.next()).toMatchObject({
      typeUrl: typeUrls.endpoint,
      resourceNames: ['a', 'b'],
      responseNonce: '1',
    });
  });

  it('end when nothing names them any more, and what they brought is forgotten', async () => {
    const { stream } = await openWithService();
    stream.respond('cluster', [], { nonce: '2' });
    stream.respond('listener', [], { nonce: '2' });
    expect(await stream.nextOf('endpoint')).toMatchObject({ resourceNames: [] });
    expect(await stream.nextOf('route')).toMatchObject({ resourceNames: [] });
    const resources = await published.next();
    expect(
      [resources.listeners, resources.routes, resources.clusters, resources.assignments].map(({ size }) => size),
    ).toEqual([0, 0, 0, 0]);
  });
});

describe('an ACK', () => {
  it('has the version and the nonce of the response (rule 3)', async () => {
    const stream = await open();
    stream.respond('cluster', [clusterMessage('a')], { version: 'v7', nonce: 'n7' });
    const ack = await stream.nextOf('cluster');
    expect(ack).toMatchObject({ versionInfo: 'v7', responseNonce: 'n7' });
    expect(ack.errorDetail).toBeUndefined();
  });

  it('is per type (rule 2)', async () => {
    const stream = await open();
    stream.respond('cluster', [], { version: 'vc', nonce: 'nc' });
    stream.respond('listener', [], { version: 'vl', nonce: 'nl' });
    expect(await stream.nextOf('cluster')).toMatchObject({ versionInfo: 'vc', responseNonce: 'nc' });
    expect(await stream.nextOf('listener')).toMatchObject({ versionInfo: 'vl', responseNonce: 'nl' });
  });
});

describe('a NACK', () => {
  it('names every bad resource and field, and has the last good version with the new nonce (rules 3, 16)', async () => {
    const stream = await open();
    stream.respond('cluster', [clusterMessage('a')], { version: 'v1', nonce: 'n1' });
    await stream.nextOf('cluster');
    const worse = clusterMessage('worse', { edsClusterConfig: {} });
    stream.respond('cluster', [clusterMessage('a'), bad, worse], { version: 'v2', nonce: 'n2' });
    const nack = await stream.nextOf('cluster');
    expect(nack).toMatchObject({ versionInfo: 'v1', responseNonce: 'n2', errorDetail: { code: 3 } });
    expect(nack.errorDetail?.message.split('\n')).toEqual([
      'Cluster "bad": connect_timeout: must be more than zero',
      'Cluster "worse": eds_cluster_config.eds_config: should be "ads" or "self"',
    ]);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('uses the good resources of the response: one bad of N leaves N-1 (A46)', async () => {
    const stream = await open();
    stream.respond('cluster', [clusterMessage('a'), bad, clusterMessage('b')]);
    expect(await stream.nextOf('endpoint')).toMatchObject({ resourceNames: ['a', 'b'] });
  });

  it('keeps the last good version of the bad resource', async () => {
    const { stream, resources } = await openWithService();
    stream.respond('cluster', [clusterMessage('a', { connectTimeout: {} }), clusterMessage('b')], { nonce: '2' });
    stream.respond('endpoint', [assignmentMessage('b', '10.0.0.2')], { nonce: '2' });
    const next = await published.next();
    expect(next.clusters.get('a')).toBe(resources.clusters.get('a'));
    expect(next.clusters.has('b')).toBe(true);
  });

  it.each([
    ['truncated bytes', rawAny('cluster', resourceTypes.cluster.write(clusterMessage('x')).subarray(0, -2))],
    ['a nesting bomb', rawAny('cluster', nestingBomb())],
    [
      'a broken wrapper',
      create(AnySchema, { typeUrl: `type.googleapis.com/${ResourceSchema.typeName}`, value: Buffer.of(255) }),
    ],
  ])('answers %s, and the old configuration stays', async (_, any) => {
    const { stream } = await openWithService();
    stream.respond('cluster', [], { version: '2', nonce: '2', raw: [any] });
    const nack = await stream.nextOf('cluster');
    expect(nack).toMatchObject({ versionInfo: '1', responseNonce: '2' });
    expect(nack.errorDetail?.message).toContain('malformed protobuf');
    stream.respond('endpoint', [assignmentMessage('a', '10.0.0.2')], { nonce: '2' });
    expect((await published.next()).clusters.has('a')).toBe(true);
  });

  it('answers duplicate names (rule 11), of which the first counts', async () => {
    const stream = await open();
    stream.respond('cluster', [clusterMessage('a'), clusterMessage('a', { altStatName: 'x' })]);
    expect(await stream.nextOf('endpoint')).toMatchObject({ resourceNames: ['a'] });
    expect((await stream.nextOf('cluster')).errorDetail?.message).toBe('Cluster "a": stands in the response twice');
  });

  it('answers a resource of another type', async () => {
    const stream = await open();
    stream.respond('cluster', [], { raw: [someAny()] });
    expect((await stream.nextOf('cluster')).errorDetail?.message).toContain('the type is "type.googleapis.com/google');
  });
});

describe('what is delivered', () => {
  it('is published as one configuration', async () => {
    const { resources } = await openWithService();
    expect([...resources.listeners.values()]).toEqual([{ name: 'l', routes: 'r' }]);
    expect([...resources.routes.keys(), ...resources.clusters.keys(), ...resources.assignments.keys()]).toEqual([
      'r',
      'a',
      'a',
    ]);
  });

  it('keeps its identity when the bytes are the same', async () => {
    const { stream, resources } = await openWithService();
    stream.respond('route', [routeMessage('r', 'a')], { nonce: '2' });
    stream.respond('cluster', [clusterMessage('a')], { nonce: '2' });
    stream.respond('endpoint', [assignmentMessage('a', '10.0.0.2')], { nonce: '2' });
    const next = await published.next();
    expect(next.routes.get('r')).toBe(resources.routes.get('r'));
    expect(next.clusters.get('a')).toBe(resources.clusters.get('a'));
    expect(next.assignments.get('a')).not.toBe(resources.assignments.get('a'));
    expect(next.routes).toBe(resources.routes);
  });

  it('may be wrapped in a Resource', async () => {
    const stream = await open();
    const resource = anyPack(ClusterSchema, clusterMessage('a'));
    const wrapped = anyPack(ResourceSchema, create(ResourceSchema, { name: 'a', resource }));
    stream.respond('cluster', [], { raw: [wrapped] });
    expect(await stream.nextOf('endpoint')).toMatchObject({ resourceNames: ['a'] });
  });

  it('is gone when a full response does not have it (rule 6), unless a broken one may be it', async () => {
    const { stream } = await openWithService();
    stream.respond('listener', [], { nonce: '2', raw: [rawAny('listener', Buffer.of(255))] });
    expect((await stream.nextOf('listener')).errorDetail).toBeDefined();
    stream.respond('listener', [listenerMessage('l2', 'r')], { nonce: '3' });
    const next = await published.nextThat(({ listeners }) => listeners.has('l2'));
    expect([...next.listeners.keys()]).toEqual(['l2']);
  });

  it('is ignored when nobody asked for it', async () => {
    const { stream } = await openWithService();
    stream.respond('endpoint', [assignmentMessage('stray', '10.0.0.9'), assignmentMessage('a', '10.0.0.2')], {
      nonce: '2',
    });
    expect([...(await published.next()).assignments.keys()]).toEqual(['a']);
  });

  it('says once which fields are ignored, however many resources set them', async () => {
    const stream = await open();
    stream.respond(
      'cluster',
      ['a', 'b', 'c'].map((name) => clusterMessage(name, { healthChecks: [{}] })),
    );
    await stream.nextOf('cluster');
    expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { fields: [{ field: 'health_checks', resources: 3, example: 'a' }] } },
    ]);
  });
});

describe('the end of a stream', () => {
  it('keeps what was published, and the next stream says what is there (rule 4)', async () => {
    const { stream } = await openWithService();
    stream.end();
    const next = await server.streams.next();
    const requests = [await next.next(), await next.next(), await next.next(), await next.next()];
    expect(requests).toMatchObject([
      { typeUrl: typeUrls.cluster, versionInfo: '1', responseNonce: '', resourceNames: [] },
      { typeUrl: typeUrls.listener, versionInfo: '1', responseNonce: '', resourceNames: [] },
      { typeUrl: typeUrls.endpoint, versionInfo: '1', responseNonce: '', resourceNames: ['a'] },
      { typeUrl: typeUrls.route, versionInfo: '1', responseNonce: '', resourceNames: ['r'] },
    ]);
    expect(requests.map(({ node }) => node?.id)).toEqual(['n1', undefined, undefined, undefined]);
    expect(statuses.map(({ kind }) => kind)).toEqual([
      'connecting',
      'connected',
      'disconnected',
      'connecting',
      'connected',
    ]);
    expect(statuses[2]).toMatchObject({ reason: 'the server ended the stream' });
  });

  it('is what close does, on both sides', async () => {
    const stream = await open();
    client.close();
    await stream.ended;
    expect(client.status).toEqual({
      kind: 'disconnected',
      reason: 'closed',
      nextAttemptAtMs: Number.POSITIVE_INFINITY,
    });
  });

  it('comes with the reason when there is no server', async () => {
    server.kill();
    const disconnected = new Inbox<AdsStatus>();
    const lonely = new AdsClient({
      servers: [insecureServer('127.0.0.1:1')],
      node: { id: 'n', cluster: 'c', metadata: {} },
      clock: realClock,
      random: seededRandom(1),
      logger,
      onResources: () => {},
      onStatus: (status) => disconnected.put(status),
    });
    lonely.start();
    const status = await disconnected.nextThat(({ kind }) => kind === 'disconnected');
    expect(status).toMatchObject({ reason: expect.stringMatching(/^UNAVAILABLE: .*ECONNREFUSED 127\.0\.0\.1:1$/) });
    lonely.close();
  });

  it('comes when a response is larger than the limit', async () => {
    const limited = new AdsClient({
      servers: [insecureServer(serverUri)],
      node: { id: 'n', cluster: 'c', metadata: {} },
      clock: realClock,
      random: () => 0.999,
      logger,
      onResources: () => {},
      onStatus: (status) => statuses.push(status),
      maxReceiveMessageBytes: 1000,
    });
    limited.start();
    const stream = await server.streams.next();
    stream.respond('cluster', [clusterMessage('x'.repeat(2000))]);
    await stream.ended;
    await expect.poll(() => statuses.at(-1)).toMatchObject({ reason: expect.stringContaining('RESOURCE_EXHAUSTED') });
    limited.close();
  });
});
