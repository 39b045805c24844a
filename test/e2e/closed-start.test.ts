import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import express from 'express';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { expressMiddleware } from 'inmesh/express';
import { expect, it } from 'vitest';
import { TestService, testServiceMethods } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { send } from '../../packages/sdk/test/server/client.js';
import { FakeDnsServer } from '../../packages/sdk/test/support/fake-dns-server.js';
import { ConfigFolder } from '../support/config-folder.js';
import { startConfigServer } from '../support/config-server.js';
import { fastClock } from '../support/fast-clock.js';
import { freePorts } from '../support/free-ports.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority } from '../support/mesh-authority.js';
import { RawXdsServer } from '../support/raw-xds-server.js';
import { scanForSecrets } from '../support/secret-scan.js';

const scan = scanForSecrets();
const authority = new MeshAuthority();

/** Its config server has never been there, and it has no copy of a configuration. */
async function lonelyMesh(options: MeshOptions = {}): Promise<{ mesh: Mesh; xdsPort: number }> {
  const [xdsPort] = (await freePorts(1)) as [number];
  const xds = `127.0.0.1:${xdsPort}`;
  const mesh = keep(await createMesh({ xds, startTimeoutMs: 1, logger: scan.logger, ...options }));
  scan.watch(mesh);
  return { mesh, xdsPort };
}

function identity(): MeshOptions {
  return { identity: keep(new IdentityFolder(authority.issue('reviews'))).path };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  return (server.address() as AddressInfo).port;
}

it('with an identity nobody comes in until there is a configuration, but for probes', async () => {
  const { mesh, xdsPort } = await lonelyMesh({ ...identity(), probes: { paths: ['/healthz'] } });
  const handled: (string | undefined)[] = [];
  const port = await listen(mesh.createServer((req, res) => void res.end(String(handled.push(req.url)))));

  expect(await send(port)).toMatchObject({ status: 503, body: 'this server has no configuration yet' });
  expect((await send(port)).headers).toMatchObject({ 'x-inmesh-reason': 'not_ready' });
  expect(await send(port, { path: '/healthz' })).toMatchObject({ status: 200 });
  expect(handled).toEqual(['/healthz']);
  const said = scan.lines.filter((line) => line.includes('nobody comes in until there is a configuration'));
  expect(said).toEqual([expect.stringContaining(`127.0.0.1:${xdsPort}`)]);

  const folder = keep(new ConfigFolder());
  const server = await startConfigServer(folder.path, { xdsPort });
  keep({ close: () => server.kill() });
  await mesh.ready();
  expect(await send(port)).toMatchObject({ status: 200 });
}, 60_000);

it('a server that is asked by name and says nothing opens what has an identity neither, however long', async () => {
  const silent = await new RawXdsServer().start();
  keep({ close: () => silent.kill() });
  silent.takeOver = (call) => void call.resume();
  const xds = {
    xds_servers: [{ server_uri: silent.uri, channel_creds: [{ type: 'insecure' }] }],
    client_default_listener_resource_name_template: '%s',
  };
  const serve = async (options: MeshOptions) => {
    const mesh = keep(await createMesh({ xds, clock: fastClock(20), logger: scan.logger, ...options }));
    scan.watch(mesh);
    return { mesh, port: await listen(mesh.createServer((_req, res) => void res.end('hello'))) };
  };
  const named = await serve(identity());
  const nameless = await serve({});
  const status = async (port: number) => (await send(port)).status;
  expect([await status(named.port), await status(nameless.port)]).toEqual([503, 503]);
  await expect.poll(() => status(nameless.port), { timeout: 15_000 }).toBe(200);
  expect(await status(named.port)).toBe(503);
  expect(named.mesh.status().problem).toContain('has not said yet what is demanded');
}, 30_000);

it.each([
  ['servfail', 'with an identity', 503],
  ['drop', 'with an identity', 503],
  ['nxdomain', 'with an identity', 200],
  ['nxdomain', 'without one', 200],
] as const)(
  'in a cluster whose DNS says %s to whoever asks for its config server, %s: %i',
  async (mode, who, status) => {
    const dns = await FakeDnsServer.start();
    keep(dns);
    const { address, port: dnsPort } = dns.server;
    dns.setMode('inmesh.inmesh-system.svc.cluster.local', mode);
    process.env.KUBERNETES_SERVICE_HOST = '10.96.0.1';
    keep({ close: () => Reflect.deleteProperty(process.env, 'KUBERNETES_SERVICE_HOST') });
    const named = who === 'without one' ? {} : identity();
    const mesh = keep(
      await createMesh({
        dns: { servers: [`${address}:${dnsPort}`] },
        startTimeoutMs: 1,
        logger: scan.logger,
        ...named,
      }),
    );
    scan.watch(mesh);
    const port = await listen(mesh.createServer((_req, res) => void res.end('hello')));
    expect(await send(port)).toMatchObject({ status });
    const said = scan.lines.filter((line) => line.includes('there is no config server in this cluster'));
    expect(said).toHaveLength(mode === 'nxdomain' && who === 'with an identity' ? 1 : 0);
  },
);

it('a server of somebody else refuses by the adapter, and one without probes as well', async () => {
  const { mesh } = await lonelyMesh(identity());
  const secured = await listen(mesh.createServer((_req, res) => void res.end('hello')));
  const app = express();
  app.use(expressMiddleware(mesh));
  app.get('/', (_req, res) => void res.end('hello'));
  const plain = await listen(createServer(app));
  for (const port of [secured, plain]) expect(await send(port)).toMatchObject({ status: 503 });
});

it('gRPC callers are told UNAVAILABLE', async () => {
  const { mesh } = await lonelyMesh(identity());
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor()] });
  server.addService(testServiceMethods, {
    UnaryCall: (_call: unknown, answer: grpc.sendUnaryData<object>) => answer(null, { username: 'hello' }),
  } as grpc.UntypedServiceImplementation);
  const port = await mesh.grpc.bind(server, '127.0.0.1:0');
  keep({ close: () => server.forceShutdown() });
  const stub = keep(new TestService(`127.0.0.1:${port}`, grpc.credentials.createInsecure()));
  const { status } = await unary(stub);
  expect(status).toMatchObject({
    code: grpc.status.UNAVAILABLE,
    details: expect.stringContaining('this server has no configuration yet'),
  });
});

it('without an identity all come in, as nothing of zero trust was asked for', async () => {
  const { mesh } = await lonelyMesh();
  const port = await listen(mesh.createServer((_req, res) => void res.end('hello')));
  expect(await send(port)).toMatchObject({ status: 200, body: 'hello' });
});
