import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { InboundListener } from '@inmesh/core';
import { expect, it } from 'vitest';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { type HealthResponse, healthClient } from '../grpc/health-client.js';
import { TestService, testServiceMethods } from '../grpc/interop-service.js';
import { keep, startMesh, unary } from '../grpc/support.js';
import { ChangingIdentity } from '../support/test-identity.js';

const authority = new MeshAuthority();
const strict: InboundListener = {
  name: 'virtualInbound',
  chains: [{ port: 0, transport: 'tls', clientCertificate: 'required', filters: [] }],
};

async function serve({ takesGrpcProbes = true, hasHealth = true } = {}) {
  const refused: string[] = [];
  let handled = 0;
  const mesh = startMesh([], {
    identity: new ChangingIdentity(authority.issue('reviews')),
    inbound: strict,
    internals: { takesGrpcProbes, onConnectionRefused: (reason) => refused.push(reason) },
  });
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor()] });
  server.addService(testServiceMethods, {
    UnaryCall: (_call: unknown, answer: grpc.sendUnaryData<object>) => {
      handled += 1;
      answer(null, {});
    },
  } as grpc.UntypedServiceImplementation);
  const health = hasHealth ? mesh.grpc.addHealth(server, ['shop.Reviews']) : undefined;
  const port = await mesh.grpc.bind(server, '127.0.0.1:0');
  keep({ close: () => server.forceShutdown() });
  return { port, refused, health, server, handled: () => handled };
}

function check(port: number, service?: string): Promise<string> {
  const client = keep(healthClient(port));
  return new Promise((resolve) => {
    client.Check(service === undefined ? {} : { service }, (error: grpc.ServiceError | null, reply?: HealthResponse) =>
      resolve(reply?.status ?? `${error?.code} ${error?.details}`),
    );
  });
}

it('are answered in plain text under STRICT, as the health of the server is', async () => {
  const { port, health, refused } = await serve();
  expect(await check(port)).toBe('SERVING');
  expect(await check(port, 'shop.Reviews')).toBe('SERVING');
  expect(await check(port, 'shop.Other')).toBe('5 this service is not known');
  health!.setStatus('shop.Reviews', 'NOT_SERVING');
  expect(await check(port, 'shop.Reviews')).toBe('NOT_SERVING');
  expect(refused).toEqual([]);
});

it('let nothing else through: other methods of the health service, and the services of the server', async () => {
  const { port, refused, handled } = await serve();
  const plain = keep(new TestService(`127.0.0.1:${port}`, grpc.credentials.createInsecure()));
  expect((await unary(plain)).status).toMatchObject({
    code: grpc.status.PERMISSION_DENIED,
    details: expect.stringContaining('plain text is not taken on this port: mutual TLS is required'),
  });
  const list = await new Promise((resolve) => keep(healthClient(port)).List({}, (error) => resolve(error?.code)));
  expect(list).toBe(grpc.status.PERMISSION_DENIED);
  expect(refused).toEqual(['plaintext', 'plaintext']);
  expect(handled()).toBe(0);
});

it.each([
  '/grpc.health.v1.Health/Check/',
  '/grpc.health.v1.Health/check',
  '/grpc.health.v1.Health/Check?a',
  '/x/../grpc.health.v1.Health/Check',
])('are asked by the very path, not by %s', async (path) => {
  const { port, refused } = await serve();
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  keep({ close: () => session.destroy() });
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  const [headers] = await once(stream, 'response');
  expect(headers['grpc-status']).toBe('7');
  expect(refused).toEqual(['plaintext']);
});

it('are short: what is longer, or no message, is not read', async () => {
  const { port } = await serve();
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  keep({ close: () => session.destroy() });
  const headers = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc' };
  const broken = session.request(headers);
  broken.end(Buffer.from([0, 0, 0, 0, 9, 1]));
  const [answer] = await once(broken, 'response');
  expect(answer['grpc-status']).toBe('3');
  const long = session.request(headers);
  long.on('error', () => {});
  long.end(Buffer.alloc(2000));
  await new Promise((resolve) => long.once('close', resolve));
  expect(long.rstCode).toBe(11);
});

it('refuse what is no HTTP/2', async () => {
  const { port, refused } = await serve();
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket.resume(), 'close');
  expect(refused).toEqual(['plaintext']);
});

it('are refused as all plain text unless they are asked for, and where there is no health service', async () => {
  const without = await serve({ takesGrpcProbes: false });
  expect(await check(without.port)).toMatch(/^14 /);
  expect(without.refused).toContain('plaintext');
  const { port } = await serve({ hasHealth: false });
  expect(await check(port)).toBe('12 this server has no health service');
});

it('do not hold up the end of their server', async () => {
  const { port, server } = await serve();
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  await once(session, 'connect');
  const closed = once(session, 'close');
  await new Promise<void>((resolve, reject) => server.tryShutdown((error) => (error ? reject(error) : resolve())));
  await closed;
});
