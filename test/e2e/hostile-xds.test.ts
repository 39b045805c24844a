import { createServer, type ServerHttp2Session } from 'node:http2';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { create } from '@bufbuild/protobuf';
import { Cluster_DiscoveryType, ClusterLoadAssignmentSchema } from '@inmesh/xds/messages';
import { createMesh, type Mesh } from 'inmesh';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { typeUrls } from '../../packages/xds/src/resources/type-urls.js';
import { clusterMessage, lbEndpoint, routeMessage } from '../../packages/xds/test/fixtures.js';
import { type Backend, startBackend } from '../support/backends.js';
import { hostileCases } from '../support/hostile-resources.js';
import { type RawResource, RawXdsServer, rawResource, resourceOf, type XdsVariant } from '../support/raw-xds-server.js';
import { assignment, type XdsService, xdsService } from '../support/xds-shop.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const authority = 'shop.default.svc.cluster.local:80';
let server: RawXdsServer;
let backend: Backend;
let mesh: Mesh;
let shop: XdsService;
let log: string[];

async function start(variant: XdsVariant): Promise<void> {
  backend = await startBackend('shop', 'v1');
  server = await new RawXdsServer(variant).start();
  shop = xdsService('shop', backend.port);
  server.set('cluster', [shop.cluster]);
  server.set('endpoint', [shop.endpoint]);
  server.set('listener', [shop.listener]);
  server.set('route', [shop.route]);
  log = [];
  const note = (text: string) => void log.push(text);
  mesh = await createMesh({ xds: server.uri, logger: { info: note, warn: note, error: note } });
  await mesh.ready();
  expect(await call()).toBe('v1');
}

afterEach(async () => {
  await mesh.close();
  server.kill();
  await backend.close();
});

const call = async () => (await mesh.fetch('http://shop/')).text();

const isAnswered = (nonce: string) => expect.poll(() => server.answerTo(nonce), { timeout: 20_000 }).toBeDefined();

/** What has to be in a response of all that there is. */
function goodOf(typeUrl: string): RawResource[] {
  if (typeUrl === typeUrls.cluster) return [resourceOf('cluster', shop.cluster)];
  return typeUrl === typeUrls.listener ? [resourceOf('listener', shop.listener)] : [];
}

const variants = ['incremental', 'state of the world'] as const;

describe.each(variants)('what a config server sends that cannot be used (%s)', (variant) => {
  beforeEach(() => start(variant));

  it.each(hostileCases({ routes: authority, endpoints: 'shop' }))(
    '$what: is refused by resource and field, and calls go on',
    async ({ typeUrl, resources, refusal }) => {
      const nonce = server.send({ typeUrl, resources: [...goodOf(typeUrl), ...resources] });
      await isAnswered(nonce);
      expect(server.answerTo(nonce)?.message?.slice(0, 5000)).toMatch(refusal);
      expect(await call()).toBe('v1');
      // The next good word is heard.
      const second = await startBackend('shop', 'v2');
      server.set('endpoint', [xdsService('shop', second.port).endpoint]);
      await expect.poll(call).toBe('v2');
      await second.close();
    },
  );
});

describe.each(variants)('a config server that does what none should (%s)', (variant) => {
  beforeEach(() => start(variant));

  it('sends a type that was not asked for: it is passed over', async () => {
    const bytes = Buffer.from('anything');
    const secret = { name: 'key', any: { ...rawResource('cluster', 'key', bytes).any, typeUrl: typeUrls.secret } };
    const unasked = [typeUrls.secret, 'type.googleapis.com/made.up.Type', 'type.googleapis.com/', ''];
    const nonces = unasked.map((typeUrl) => server.send({ typeUrl, resources: [secret] }));
    const last = server.send({ typeUrl: typeUrls.endpoint, resources: [resourceOf('endpoint', shop.endpoint)] });
    await isAnswered(last);
    expect(nonces.map((nonce) => server.answerTo(nonce))).toEqual([undefined, undefined, undefined, undefined]);
    expect(log.filter((line) => line.includes('a type that was not asked for'))).toHaveLength(4);
    expect(await call()).toBe('v1');
  });

  it('sends names of JavaScript’s own: they are names like any other', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__'];
    const services = names.map((name) => xdsService(name, backend.port));
    server.set('cluster', [shop.cluster, ...services.map(({ cluster }) => cluster)]);
    server.set('endpoint', [shop.endpoint, ...services.map(({ endpoint }) => endpoint)]);
    server.set('route', [shop.route, ...services.map(({ route }) => route)]);
    server.set('listener', [shop.listener, ...services.map(({ listener }) => listener)]);
    for (const name of names) {
      const host = `${name.toLowerCase()}.default.svc.cluster.local:80`;
      await expect.poll(() => mesh.snapshots.current.clusters.get(name)?.endpoints.length).toBe(1);
      await expect.poll(() => mesh.snapshots.current.listeners.get(host)?.name).toBe(host);
    }
    expect(server.refusals).toEqual([]);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
    expect(await call()).toBe('v1');
  });

  it('uses one nonce again and again: each response is answered', async () => {
    const bad = resourceOf('route', routeMessage(authority, ''));
    for (const resources of [[bad], [resourceOf('route', shop.route)], [bad], [resourceOf('route', shop.route)]]) {
      server.send({ typeUrl: typeUrls.route, resources, nonce: 'same' });
    }
    const answers = () =>
      server.answers.filter(({ nonce }) => nonce === 'same').map(({ message }) => message === undefined);
    await expect.poll(answers).toEqual([false, true, false, true]);
    expect(await call()).toBe('v1');
  });

  it('sends bytes that are no response: the stream is begun anew, at a bounded rate', async () => {
    const opened = server.opened;
    server.sendBytes(Buffer.from([0xff, 0xff, 0xff]));
    await expect.poll(() => server.opened, { timeout: 10_000 }).toBe(opened + 1);
    expect(await call()).toBe('v1');
    await expect.poll(() => mesh.status().problem).toBeUndefined();
  });

  it('announces a response above the limit: it is refused before it is buffered', async () => {
    const port = Number(server.uri.split(':')[1]);
    server.kill();
    const announcing = createServer().listen(port, '127.0.0.1');
    const sessions: ServerHttp2Session[] = [];
    announcing.on('session', (session) => sessions.push(session));
    let ended = 0;
    announcing.on('stream', (stream) => {
      stream
        .on('error', () => {})
        .on('close', () => {
          ended += 1;
        });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const header = Buffer.alloc(5);
      header.writeUInt32BE(100 * 1024 * 1024, 1);
      // And not a byte of what is announced.
      stream.write(header);
    });
    const problem = () => mesh.status().problem;
    await expect.poll(problem, { timeout: 15_000 }).toMatch(/larger than max \(104857600 vs 67108864\)/);
    await expect.poll(() => ended, { timeout: 15_000 }).toBeGreaterThan(0);
    expect(await call()).toBe('v1');
    await new Promise<void>((resolve) => {
      announcing.close(() => resolve());
      for (const session of sessions) session.destroy();
    });
  });

  it('sends 50 MB in one resource: it is taken, and calls go on', async () => {
    const filler = Buffer.alloc(50 * 1024 * 1024, 'x');
    const altStatName = Buffer.concat([Buffer.from([0xe2, 0x01]), varint(filler.length), filler]);
    const message = Buffer.concat([Buffer.from([10, 4]), Buffer.from('evil'), altStatName]);
    const nonce = server.send({
      typeUrl: typeUrls.cluster,
      resources: [...goodOf(typeUrls.cluster), rawResource('cluster', 'evil', message)],
    });
    await isAnswered(nonce);
    expect(await call()).toBe('v1');
  });

  it('sends 10,000 clusters, and 100,000 endpoints of one: they are taken, and calls go on meanwhile', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `c${index}`);
    const loadAssignment = assignment('x', 1);
    const staticCluster = {
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
      loadAssignment,
    } as const;
    server.set('cluster', [shop.cluster, ...names.map((name) => clusterMessage(name, staticCluster))]);
    const ports = Array.from({ length: 100_000 }, (_, index) => 1 + (index % 65_000));
    const hosts = ports.map((port, index) => lbEndpoint(`10.0.${index >> 16}.${(index >> 8) & 255}`, port));
    const many = create(ClusterLoadAssignmentSchema, { clusterName: 'shop', endpoints: [{ lbEndpoints: hosts }] });
    await expect
      .poll(async () => [await call(), mesh.snapshots.current.clusters.size], { timeout: 60_000 })
      .toEqual(['v1', 10_001]);
    const nonce = server.send({ typeUrl: typeUrls.endpoint, resources: [resourceOf('endpoint', many)] });
    await expect.poll(() => server.answerTo(nonce), { timeout: 60_000 }).toBeDefined();
    server.set('endpoint', [shop.endpoint]);
    await expect.poll(() => mesh.snapshots.current.clusters.get('shop')?.endpoints.length, { timeout: 60_000 }).toBe(1);
    expect(await call()).toBe('v1');
    expect(server.refusals).toEqual([]);
  }, 180_000);

  it('sends other names in each of 500 responses: what was in the ones before is forgotten', async () => {
    const heapOf = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const round = async (number: number) => {
      const services = Array.from({ length: 50 }, (_, index) => xdsService(`r${number}-${index}`, backend.port));
      server.set('cluster', [shop.cluster, ...services.map(({ cluster }) => cluster)]);
      server.set('endpoint', [shop.endpoint, ...services.map(({ endpoint }) => endpoint)]);
      server.set('listener', [shop.listener, ...services.map(({ listener }) => listener)]);
      server.set('route', [shop.route, ...services.map(({ route }) => route)]);
      const bad = resourceOf('cluster', clusterMessage(`bad${number}`, { connectTimeout: {} }));
      await isAnswered(
        server.send({
          typeUrl: typeUrls.cluster,
          resources: [...goodOf(typeUrls.cluster), bad],
          removed: [`bad${number - 1}`],
        }),
      );
      server.answers.length = 0;
    };
    for (let number = 0; number < 30; number += 1) await round(number);
    const before = heapOf();
    for (let number = 30; number < 100; number += 1) await round(number);
    expect(heapOf() - before).toBeLessThan(20 * 1024 * 1024);
    await expect.poll(() => mesh.snapshots.current.clusters.size).toBeLessThan(110);
    expect(mesh.status().resourceProblems.length).toBeLessThan(5);
    expect(await call()).toBe('v1');
  }, 180_000);

  it('ends each stream at once: calls go on, and it is asked again', async () => {
    const opened = server.opened;
    server.takeOver = (stream) => stream.end();
    server.endAll();
    await expect.poll(() => server.opened, { timeout: 15_000 }).toBeGreaterThan(opened + 2);
    expect(await call()).toBe('v1');
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}
