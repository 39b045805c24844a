import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { InboundChain, InboundListener } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { createServer } from '../../src/server/node-http.js';
import { type OutputResponse, TestService, testServiceMethods } from '../grpc/interop-service.js';
import { collect, keep, startMesh, unary } from '../grpc/support.js';
import { ChangingIdentity } from '../support/test-identity.js';

const drainMs = 600_000;

function takes(...transports: InboundChain['transport'][]): InboundListener {
  const chain = { port: 0, clientCertificate: 'optional', filters: [] } as const;
  return { name: 'virtualInbound', chains: transports.map((transport) => ({ ...chain, transport })) };
}

const strict = takes('tls');
const permissive = takes('tls', 'plaintext');

function meshOf(inbound: InboundListener) {
  const clock = new FakeClock();
  const identity = new ChangingIdentity(new MeshAuthority().issue('reviews'));
  return { clock, mesh: startMesh([], { identity, inbound, internals: { clock } }) };
}

/** A tunnel in plain text that echoes. */
async function tunnelOf(inbound: InboundListener) {
  const { clock, mesh } = meshOf(inbound);
  const server = createServer(mesh.internals, (_req, res) => void res.end());
  server.on('upgrade', (_req, socket, head) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.write(head);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => server.close() });
  const tunnel = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  tunnel.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const echoes = async (word: string) => {
    tunnel.write(word);
    await expect.poll(() => text).toContain(word);
  };
  tunnel.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  await echoes('hello');
  // The first byte of each connection is waited for, with a timer.
  expect(clock.pendingTimers).toBe(0);
  return { clock, mesh, tunnel, echoes };
}

it.each([
  ['PERMISSIVE', permissive],
  ['DISABLE', takes('plaintext')],
])('a tunnel in plain text ends ten minutes after its port has become STRICT from %s', async (_, before) => {
  const { clock, mesh, tunnel, echoes } = await tunnelOf(before);
  const closed = once(tunnel, 'close');
  mesh.setInbound(strict);
  clock.advance(drainMs - 1);
  await echoes('still there');
  mesh.setInbound({ ...strict });
  clock.advance(1);
  await closed;
  expect(clock.pendingTimers).toBe(0);
});

it('a tunnel in plain text stays where its port takes plain text again, and where it always has', async () => {
  const { clock, mesh, tunnel, echoes } = await tunnelOf(permissive);
  mesh.setInbound(strict);
  clock.advance(drainMs - 1);
  mesh.setInbound(takes('plaintext', 'tls'));
  expect(clock.pendingTimers).toBe(0);
  clock.advance(drainMs);
  await echoes('still there');
  tunnel.destroy();
});

it('a stream of gRPC in plain text ends then, too, and no call begins before that', async () => {
  const { clock, mesh } = meshOf(permissive);
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor()] });
  server.addService(testServiceMethods, {
    UnaryCall: (_call: unknown, answer: grpc.sendUnaryData<object>) => answer(null, {}),
    FullDuplexCall: (call: grpc.ServerDuplexStream<OutputResponse, OutputResponse>) => {
      call.on('data', ({ payload }: OutputResponse) => call.write({ payload }));
    },
  } as grpc.UntypedServiceImplementation);
  const port = await mesh.grpc.bind(server, '127.0.0.1:0');
  keep({ close: () => server.forceShutdown() });
  const client = keep(new TestService(`127.0.0.1:${port}`, grpc.credentials.createInsecure()));
  const stream = client.FullDuplexCall();
  const sizes: number[] = [];
  stream.on('data', ({ payload }: OutputResponse) => sizes.push(payload.body.length));
  const ended = collect(stream);
  stream.write({ payload: { body: Buffer.alloc(1) } } as never);
  await expect.poll(() => sizes).toEqual([1]);
  mesh.setInbound(strict);
  expect((await unary(client)).status.code).not.toBe(grpc.status.OK);
  clock.advance(drainMs);
  expect((await ended).status.code).toBe(grpc.status.UNAVAILABLE);
});
