import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { InboundListener, UpstreamTls } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { createServer, type HttpHandler } from '../../src/server/node-http.js';
import { type OutputResponse, type TestClient, TestService, testServiceMethods } from '../grpc/interop-service.js';
import { clientOf, collect, keep, startMesh, startWire, unary } from '../grpc/support.js';
import { staticMesh } from '../support/static-mesh.js';
import { ChangingIdentity } from '../support/test-identity.js';

const old = new MeshAuthority();
const next = new MeshAuthority();
const drainMs = 600_000;
const transport: { kind: 'tls'; tls: UpstreamTls } = {
  kind: 'tls',
  tls: {
    ...{ certificate: { kind: 'workload' }, trust: { kind: 'workload' }, sni: 'reviews' },
    ...{ subjectAltNames: [], skipVerify: false },
  },
};
const inbound: InboundListener = {
  name: 'virtualInbound',
  chains: [{ port: 0, transport: 'tls', clientCertificate: 'required', filters: [] }],
};

/** The server is of the next root and trusts it alone from `distrust()` on. */
async function servedByGrpc() {
  const clock = new FakeClock();
  const identity = new ChangingIdentity(old.issue('reviews'));
  const refused: string[] = [];
  const internals = { clock, onConnectionRefused: (reason: string) => void refused.push(reason) };
  const mesh = startMesh([], { identity, inbound, internals });
  const server = new grpc.Server();
  const held: (() => void)[] = [];
  server.addService(testServiceMethods, {
    UnaryCall: (call: { request: { response_size: number } }, callback: grpc.sendUnaryData<object>) => {
      const answer = () => callback(null, { username: 'done' });
      if (call.request.response_size > 0) held.push(answer);
      else answer();
    },
    FullDuplexCall: (call: grpc.ServerDuplexStream<OutputResponse, OutputResponse>) => {
      call.on('data', ({ payload }: OutputResponse) => call.write({ payload }));
      call.on('end', () => call.end());
    },
  } as grpc.UntypedServiceImplementation);
  const port = await mesh.grpc.bind(server, '127.0.0.1:0');
  keep({ close: () => server.forceShutdown() });
  const distrust = () => identity.set(next.issue('reviews'));
  return { port, clock, held, refused, identity, distrust };
}

/** Knows nothing of the mesh, and keeps its certificate. */
function strangerTo(port: number): TestClient {
  const { chain, key, bundle } = old.issue('shop');
  const verify = { checkServerIdentity: () => undefined, rejectUnauthorized: false };
  const credentials = grpc.credentials.createSsl(Buffer.from(bundle), Buffer.from(key), Buffer.from(chain), verify);
  return keep(new TestService(`127.0.0.1:${port}`, credentials));
}

const size = (bytes: number) => ({ payload: { body: Buffer.alloc(bytes) } });

describe('gRPC connections of clients whose root is trusted no more', () => {
  it('are told to go elsewhere, calls under way end in peace, and the next one is refused', async () => {
    const { port, held, refused, distrust } = await servedByGrpc();
    const wire = await startWire({ port });
    const client = strangerTo(wire.port);
    const underWay = unary(client, { response_size: 1 });
    await expect.poll(() => held.length).toBe(1);
    distrust();
    held[0]!();
    expect((await underWay).status.code).toBe(grpc.status.OK);
    await expect.poll(() => wire.open).toBe(0);
    expect(refused).toEqual([]);
    expect((await unary(client)).status.code).toBe(grpc.status.UNAVAILABLE);
    expect(refused[0]).toBe('unknown_authority');
  });

  it('stay while both roots are trusted', async () => {
    const { port, identity } = await servedByGrpc();
    const wire = await startWire({ port });
    const client = strangerTo(wire.port);
    expect((await unary(client)).status.code).toBe(grpc.status.OK);
    identity.set({ ...next.issue('reviews'), bundle: old.bundle }, {});
    for (let i = 0; i < 3; i += 1) expect((await unary(client)).status.code).toBe(grpc.status.OK);
    expect(wire.connections).toBe(1);
  });

  it('may go on with a stream, and are cut after ten minutes', async () => {
    const { port, clock, distrust } = await servedByGrpc();
    const stream = strangerTo(port).FullDuplexCall();
    const echoes: number[] = [];
    stream.on('data', ({ payload }: OutputResponse) => echoes.push(payload.body.length));
    const ended = collect(stream);
    stream.write(size(1) as never);
    await expect.poll(() => echoes).toEqual([1]);
    distrust();
    stream.write(size(2) as never);
    await expect.poll(() => echoes).toEqual([1, 2]);
    clock.advance(drainMs - 1);
    stream.write(size(3) as never);
    await expect.poll(() => echoes).toEqual([1, 2, 3]);
    clock.advance(1);
    expect((await ended).status.code).toBe(grpc.status.UNAVAILABLE);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('HTTP connections of clients whose root is trusted no more', () => {
  it('may go on with an answer, and are cut after ten minutes', async () => {
    const clock = new FakeClock();
    const identity = new ChangingIdentity(old.issue('reviews'));
    const mesh = keep(staticMesh([], { identity, inbound, internals: { clock } }));
    const handler: HttpHandler = (_req, res) => void res.write('a');
    const server = createServer(mesh.internals, handler);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    keep({ close: () => server.close() });
    const { chain: cert, key } = old.issue('shop');
    const { port } = server.address() as AddressInfo;
    const call = httpsRequest({ port, host: '127.0.0.1', cert, key, rejectUnauthorized: false }).end();
    const [response] = await once(call, 'response');
    const broken = once(response, 'error');
    response.resume();
    identity.set(next.issue('reviews'));
    clock.advance(drainMs - 1);
    expect(response.errored).toBeNull();
    clock.advance(1);
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('what a client has open', () => {
  it('closes with the certificate that it was made with, without another call', async () => {
    const { port } = await servedByGrpc();
    const wire = await startWire({ port });
    const identity = new ChangingIdentity(old.issue('shop'));
    const client = clientOf(startMesh([wire], { identity, cluster: { transport } }));
    expect((await unary(client)).status.code).toBe(grpc.status.OK);
    expect(wire.open).toBe(1);
    identity.set(old.issue('shop'));
    await expect.poll(() => wire.open).toBe(0);
    expect((await unary(client)).status.code).toBe(grpc.status.OK);
    expect(wire.connections).toBe(2);
  });

  it('carries a stream to its end on the certificate that it was made with, and new calls on the new one', async () => {
    const { port } = await servedByGrpc();
    const wire = await startWire({ port });
    const identity = new ChangingIdentity(old.issue('shop'));
    const client = clientOf(startMesh([wire], { identity, cluster: { transport } }));
    const stream = client.FullDuplexCall();
    const echoes: number[] = [];
    stream.on('data', ({ payload }: OutputResponse) => echoes.push(payload.body.length));
    const ended = collect(stream);
    for (let i = 1; i <= 5; i += 1) {
      stream.write(size(i) as never);
      await expect.poll(() => echoes.length).toBe(i);
      identity.set(old.issue('shop'));
      expect((await unary(client)).status.code).toBe(grpc.status.OK);
    }
    await expect.poll(() => wire.open).toBe(2);
    stream.end();
    expect((await ended).status.code).toBe(grpc.status.OK);
    await expect.poll(() => wire.open).toBe(1);
  });

  it('is idle no longer over HTTP, once its certificate is another', async () => {
    const identity = new ChangingIdentity(old.issue('reviews'));
    const serving = keep(staticMesh([], { identity, inbound }));
    const server = createServer(serving.internals, (_req, res) => void res.end('done'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    keep({ close: () => server.close() });
    const wire = await startWire({ port: (server.address() as AddressInfo).port });
    const own = new ChangingIdentity(old.issue('shop'));
    const mesh = keep(staticMesh([wire.port], { identity: own, cluster: { transport } }));
    const { body } = await request('http://reviews/', { dispatcher: mesh.dispatcher });
    expect(await body.text()).toBe('done');
    expect(wire.open).toBe(1);
    own.set(old.issue('shop'));
    await expect.poll(() => wire.open).toBe(0);
  });
});
