import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import express from 'express';
import fastify from 'fastify';
import type { Mesh } from 'inmesh';
import { expressMiddleware } from 'inmesh/express';
import { fastifyPlugin } from 'inmesh/fastify';
import { describe, expect, it } from 'vitest';
import { TestService, testServiceMethods } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { keep } from '../support/keep.js';
import { MeshAuthority, type TestIdentity } from '../support/mesh-authority.js';
import { authorizationPolicy } from '../support/policed-service.js';
import { scannedMesh, strictYaml } from '../support/scanned-mesh.js';
import { scanForSecrets } from '../support/secret-scan.js';
import { strangersTo } from '../support/strangers.js';

type Certified = Pick<TestIdentity, 'chain' | 'key'>;

const scan = scanForSecrets();
const authority = new MeshAuthority();
const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;
const shopOnly = authorizationPolicy(
  'shop-only',
  '{ rules: [{ from: [{ source: { principals: [cluster.local/ns/default/sa/shop] } }] }] }',
);

/** A server of one kind, behind STRICT mutual TLS. */
interface Subject {
  readonly port: number;
  /** Who has reached its handler. */
  readonly handled: (string | undefined)[];
  /** What a client gets that shows this certificate; undefined: plain text. */
  ask(client: Partial<Certified> | undefined): Promise<string>;
}

type HttpServerOf = (mesh: Mesh, handle: (peer: string | undefined) => string) => Promise<Server> | Server;

const httpServers: Record<string, HttpServerOf> = {
  'node:http': (mesh, handle) => mesh.createServer((req, res) => void res.end(handle(req.mesh?.peer?.spiffeId))),
  Express: (mesh, handle) => {
    const app = express();
    app.use(expressMiddleware(mesh));
    app.get('/', (req, res) => void res.end(handle(req.mesh?.peer?.spiffeId)));
    return mesh.secure(createServer(app));
  },
  Fastify: async (mesh, handle) => {
    const app = fastify({ serverFactory: mesh.serverFactory });
    await app.register(fastifyPlugin, { mesh });
    app.get('/', async (req) => handle(req.mesh?.peer?.spiffeId));
    await app.ready();
    return app.server;
  },
};

function strictMesh(yaml: Readonly<Record<string, string>> = {}): Promise<Mesh> {
  return scannedMesh(scan, { 'strict.yaml': strictYaml, ...yaml }, authority.issue('reviews'));
}

async function httpSubject(serverOf: HttpServerOf, yaml = {}): Promise<Subject> {
  const handled: Subject['handled'] = [];
  const server = await serverOf(await strictMesh(yaml), (peer) => {
    handled.push(peer);
    return 'hello';
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => closeServer(server) });
  const { port } = server.address() as AddressInfo;
  return { port, handled, ask: (client) => askHttp(port, client) };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Status line and text; nothing, where the connection is closed without an answer. */
async function askHttp(port: number, client: Partial<Certified> | undefined): Promise<string> {
  const host = '127.0.0.1';
  const tls = { cert: client?.chain, key: client?.key, rejectUnauthorized: false, servername: 'reviews' };
  const socket: Socket = client === undefined ? connect({ port, host }) : tlsConnect({ port, host, ...tls } as never);
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => (text += chunk));
  socket.write('GET / HTTP/1.1\r\nHost: reviews\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  return text === '' ? '' : `${text.split(' ')[1]} ${text.split('\r\n\r\n')[1]}`;
}

async function grpcSubject(yaml = {}): Promise<Subject> {
  const handled: Subject['handled'] = [];
  const mesh = await strictMesh(yaml);
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor()] });
  server.addService(testServiceMethods, {
    UnaryCall: (_call: unknown, answer: grpc.sendUnaryData<object>) => {
      handled.push(mesh.caller()?.peer?.spiffeId);
      answer(null, { username: 'hello' });
    },
  } as grpc.UntypedServiceImplementation);
  const port = await mesh.grpc.bind(server, '127.0.0.1:0');
  keep({ close: () => server.forceShutdown() });
  return { port, handled, ask: (client) => askGrpc(port, client) };
}

/** The answer, `code details` of a server, or nothing where there was no connection. */
async function askGrpc(port: number, client: Partial<Certified> | undefined): Promise<string> {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const unchecked = { checkServerIdentity: () => undefined, rejectUnauthorized: false };
  const credentials =
    client === undefined
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(pem(authority.bundle), pem(client.key), pem(client.chain), unchecked);
  const stub = keep(new TestService(`127.0.0.1:${port}`, credentials, { 'grpc.ssl_target_name_override': 'reviews' }));
  const { response, status } = await unary(stub);
  if (response !== undefined) return response.username;
  return status.code === grpc.status.UNAVAILABLE ? '' : `${status.code} ${status.details}`;
}

const subjects: [string, (yaml?: object) => Promise<Subject>][] = [
  ...Object.entries(httpServers).map(
    ([name, serverOf]) => [name, (yaml?: object) => httpSubject(serverOf, yaml)] as [string, () => Promise<Subject>],
  ),
  ['gRPC', grpcSubject],
];

describe.each(subjects)('under STRICT mutual TLS a server of %s', (name, subjectOf) => {
  it('refuses strangers of every kind, each with its reason, before any handler', async () => {
    const { ask, handled } = await subjectOf();
    const uncertified = [
      { who: 'in plain text', reason: 'plaintext', client: undefined },
      { who: 'without a certificate', reason: 'no_certificate', client: {} },
    ];
    const certified = strangersTo(authority, 'shop').map(({ who, reason, ...client }) => ({ who, reason, client }));
    const expected = new Map<string, number>();
    for (const { who, reason, client } of [...uncertified, ...certified]) {
      const isNew = !expected.has(reason);
      expected.set(reason, (expected.get(reason) ?? 0) + 1);
      expect(await ask(client), who).toBe('');
      await expect.poll(() => scan.metrics(), { message: who }).toContain(refusedMetric(reason, expected.get(reason)!));
      // A line for each reason in 10 s.
      if (isNew) expect(scan.lines.at(-1), who).toContain(`a connection was refused {"reason":"${reason}"`);
    }
    expect(handled).toEqual([]);
    expect(await ask(authority.issue('shop'))).toMatch(/hello$/);
    expect(handled).toEqual([uri('shop')]);
  }, 30_000);

  it('refuses a service account that a policy does not name, and says whose', async () => {
    const { ask, handled } = await subjectOf({ 'policy.yaml': shopOnly });
    const denied = name === 'gRPC' ? '7 RBAC: access denied' : '403 RBAC: access denied';
    expect(await ask(authority.issue('ratings'))).toBe(denied);
    expect(handled).toEqual([]);
    expect(scan.lines.at(-1)).toMatch(
      /^an incoming call is refused .*"peer":"spiffe:\/\/cluster.local\/ns\/default\/sa\/ratings"/,
    );
    expect(await scan.metrics()).toContain('envoy_http_rbac_denied{policy=""} 1');
    expect(await ask(authority.issue('shop'))).toMatch(/hello$/);
    expect(handled).toEqual([uri('shop')]);
    const principals = `source_principal="${uri('shop')}".*destination_principal="${uri('reviews')}".*connection_security_policy="mutual_tls"`;
    expect(await scan.metrics()).toMatch(new RegExp(`istio_requests_total\\{reporter="destination".*${principals}`));
  });
});

function refusedMetric(reason: string, times: number): string {
  return `inmesh_connections_refused_total{reason="${reason}"} ${times}`;
}
