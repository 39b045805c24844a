import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { afterEach, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backends.js';
import { freePorts } from '../support/free-ports.js';
import { exampleNode, GoControlPlane, startExampleServer } from './support/go-control-plane.js';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(variant: 'incremental' | 'state of the world'): Promise<GoControlPlane> {
  const server = await GoControlPlane.start(variant);
  closers.push(() => server.kill());
  return server;
}

async function backendOf(version: string): Promise<Backend> {
  const backend = await startBackend('upstream', version);
  closers.push(() => backend.close());
  return backend;
}

async function join(xds: NonNullable<MeshOptions['xds']>): Promise<Mesh> {
  const mesh = await createMesh({ xds });
  closers.push(() => mesh.close());
  await mesh.ready();
  return mesh;
}

const get = async (mesh: Mesh, url: string) => (await mesh.fetch(url)).text();

const shop = 'shop.default.svc.cluster.local:80';

describe.each(['incremental', 'state of the world'] as const)(
  'go-control-plane as the config server (%s)',
  (variant) => {
    it('has its resources taken without a refusal, and a new snapshot is followed', async () => {
      const server = await start(variant);
      const [first, second] = [await backendOf('v1'), await backendOf('v2')];
      const snapshot = { httpListeners: 2, tcpListeners: 1, basePort: 9000, apiListeners: [shop] };
      server.serve({ ...snapshot, version: '1', upstreamPort: first.port });
      const mesh = await join(server.uri);
      const urls = ['http://shop/', 'http://any.host:9000/', 'http://other.host:9001/x'];
      for (const url of urls) expect(await get(mesh, url)).toBe('v1');
      server.serve({ ...snapshot, version: '2', upstreamPort: second.port });
      for (const url of urls) await expect.poll(() => get(mesh, url), { timeout: 10_000 }).toBe('v2');
      expect(server.of('nack')).toEqual([]);
      expect(new Set(server.of('ack')).size).toBe(4);
      expect(server.of(variant === 'incremental' ? 'sotw' : 'delta')).toEqual([]);
      expect(mesh.status()).toMatchObject({ problem: undefined, resourceProblems: [] });
    });

    it.each(['ads', 'delta-ads', 'xds', 'delta'] as const)(
      'may have resources refer to each other as in mode %s',
      async (xds) => {
        const server = await start(variant);
        const backend = await backendOf('v1');
        server.serve({ version: '1', upstreamPort: backend.port, httpListeners: 1, xds });
        const mesh = await join(server.uri);
        expect(await get(mesh, 'http://any:9000/')).toBe('v1');
        expect(server.of('nack')).toEqual([]);
      },
    );

    it('may have its listeners end TLS', async () => {
      const server = await start(variant);
      const backend = await backendOf('v1');
      server.serve({ version: '1', upstreamPort: backend.port, httpListeners: 1, tls: true });
      const mesh = await join(server.uri);
      expect(await get(mesh, 'http://any:9000/')).toBe('v1');
      expect(server.of('nack')).toEqual([]);
    });

    it('loses no call while snapshots change', async () => {
      const server = await start(variant);
      const backend = await backendOf('v1');
      const snapshot = { upstreamPort: backend.port, httpListeners: 1, apiListeners: [shop] };
      server.serve({ ...snapshot, version: '0' });
      const mesh = await join(server.uri);
      for (let version = 1; version <= 20; version += 1) {
        server.serve({ ...snapshot, version: String(version) });
        const cluster = `cluster-${version}-0`;
        await expect
          .poll(async () => (await get(mesh, 'http://shop/')) === 'v1' && mesh.snapshots.current.clusters.has(cluster))
          .toBe(true);
      }
      expect(server.of('nack')).toEqual([]);
    });
  },
);

describe('the example server of go-control-plane', () => {
  it('gives its route to all hosts on the port of its listener', async () => {
    const [port] = (await freePorts(1)) as [number];
    const server = await startExampleServer(port);
    closers.push(() => server.kill());
    const bootstrap = {
      xds_servers: [{ server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: 'insecure' }] }],
      node: { id: exampleNode },
    };
    const mesh = await join(bootstrap);
    expect(mesh.explain('http://any.host:10000/path')).toMatchObject({
      listener: '*:10000',
      action: { host: expect.stringContaining('www.envoyproxy.io'), clusters: [{ name: 'example_proxy_cluster' }] },
      problems: [],
    });
    expect(mesh.status().resourceProblems).toEqual([]);
  });
});
