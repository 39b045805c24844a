import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { inspect } from 'node:util';
import { Server as GrpcServer, type sendUnaryData, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { InboundChain, InboundListener, UpstreamTls } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { request as callOf } from 'undici';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { formsOfKey } from '../../../../test/support/secret-forms.js';
import type { MeshInternals } from '../../src/mesh-internals.js';
import { createServer } from '../../src/server/node-http.js';
import { secureServer } from '../../src/server/tls/secure-server.js';
import { request, sendRaw } from '../authorization/raw-request.js';
import { testServiceMethods } from '../grpc/interop-service.js';
import { clientOf, unary } from '../grpc/support.js';
import { staticMesh } from '../support/static-mesh.js';
import { ChangingIdentity } from '../support/test-identity.js';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const authority = new MeshAuthority();
const chainOf = (transport: InboundChain['transport']): InboundChain => {
  return { port: 0, transport, clientCertificate: 'required', filters: [] };
};
const strict: InboundListener = { name: 'virtualInbound', chains: [chainOf('tls')] };
const permissive: InboundListener = { name: 'virtualInbound', chains: [chainOf('tls'), chainOf('plaintext')] };

async function serve(
  make: (internals: MeshInternals) => Server,
  { inbound = strict, clock, ...more }: { inbound?: InboundListener } & Partial<MeshInternals> = {},
) {
  const identity = new ChangingIdentity(authority.issue('reviews'));
  const internals = { probePaths: ['/healthz'], ...(clock && { clock }), ...more };
  const mesh = keep(staticMesh([], { identity, inbound, internals }));
  const server = make(mesh.internals);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({
    close: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
  return { server, identity, port: (server.address() as AddressInfo).port };
}

const own = (handler: Handler) => (internals: MeshInternals) => createServer(internals, handler);
const secured = (handler: Handler) => (internals: MeshInternals) => secureServer(internals, createHttp(handler));

/** Sends something, and keeps the connection. */
async function begin(port: number, bytes: string | Buffer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  keep({ close: () => socket.destroy() });
  socket.resume();
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

/** `once` would end with an error of the connection. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

async function peerOf(port: number, options: Parameters<MeshAuthority['issue']>[1] = {}): Promise<TLSSocket> {
  const { chain: cert, key } = authority.issue('shop', options);
  const socket = tlsConnect({ port, host: '127.0.0.1', cert, key, rejectUnauthorized: false }).on('error', () => {});
  keep({ close: () => socket.destroy() });
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: Socket, text = 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n'): Promise<string> {
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString('latin1');
}

describe('a probe in plain text', () => {
  it.each([
    ['createServer', own],
    ['secure()', secured],
  ])('meets a handler of %s as any request of nobody does, and what that throws harms nobody', async (_name, make) => {
    const seen: unknown[] = [];
    const handler: Handler = (req, res) => {
      seen.push(req.mesh, req.headers['x-forwarded-client-cert'], req.headers['x-user']);
      if (req.url === '/healthz?throws') throw new Error(`nobody: ${req.mesh!.peer!.spiffeId}`);
      res.end('fine');
    };
    const provider = { claimHeaders: [{ header: 'x-user', claim: ['sub'] }] };
    const jwt = { kind: 'jwt', authentication: { providers: [provider], rules: [] } } as never;
    const inbound = { ...strict, chains: [{ ...chainOf('tls'), filters: [jwt] }] };
    const { port } = await serve(make(handler), { inbound });
    const forged = ['Host: a', 'x-forwarded-client-cert: URI=spiffe://cluster.local/ns/default/sa/admin', 'x-user: me'];
    expect((await sendRaw(port, request('/healthz', forged))).status).toBe(200);
    expect(seen).toEqual([{ peer: undefined, jwt: undefined }, undefined, undefined]);
    expect((await sendRaw(port, request('/healthz?throws'))).status).toBe(500);
    expect((await sendRaw(port, request('/healthz'))).status).toBe(200);
  });

  it('is one for each connection, and what expects anything is answered and closed', async () => {
    const urls: (string | undefined)[] = [];
    const { port } = await serve(
      own((req, res) => {
        urls.push(req.url);
        res.end('fine');
      }),
    );
    const probe = 'GET /healthz HTTP/1.1\r\nHost: a\r\n';
    const { text } = await sendRaw(port, `${probe}\r\n${probe}\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(urls).toEqual(['/healthz']);
    for (const value of ['foo', '100-continue']) {
      expect((await sendRaw(port, `${probe}Expect: ${value}\r\n\r\n`)).text).toContain('403 Forbidden');
    }
    expect((await sendRaw(port, `${probe}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`)).status).not.toBe(101);
    expect((await sendRaw(port, 'CONNECT /healthz HTTP/1.1\r\nHost: a\r\n\r\n')).text).toBe('');
  });

  it('that stalls is closed by the timeouts of its server, and does not hold up its end', async () => {
    const slow = (internals: MeshInternals) => {
      const options = { headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 };
      return createServer(internals, (_req, res) => void res.end(), options);
    };
    const { port } = await serve(slow);
    await closeOf(await begin(port, 'GET /healthz HTTP/1.1\r\nHo'));

    const patient = await serve(own((_req, res) => void res.end()));
    const requests = once(patient.server, 'connection');
    const stalled = await begin(patient.port, 'GET /healthz HTTP/1.1\r\nHo');
    await requests;
    const closed = [closeOf(stalled), once(patient.server, 'close')];
    patient.server.close();
    patient.server.closeAllConnections();
    await Promise.all(closed);
  });
});

class TellingClock extends FakeClock {
  readonly delays: number[] = [];

  override setTimer(delayMs: number, fire: () => void) {
    this.delays.push(delayMs);
    return super.setTimer(delayMs, fire);
  }
}

describe('a handshake that does not end', () => {
  it.each([strict, permissive])('is cut after 10 s, whatever trickles in', async (inbound) => {
    const clock = new TellingClock();
    const { port } = await serve(
      own((_req, res) => void res.end()),
      { inbound, clock },
    );
    const socket = await begin(port, Buffer.from([0x16, 3, 1, 2, 0, 1]));
    await expect.poll(() => clock.delays).toContain(10_000);
    const closed = closeOf(socket);
    clock.advance(9_999);
    socket.write(Buffer.from([0]));
    expect(socket.closed).toBe(false);
    clock.advance(1);
    await closed;
    await expect.poll(() => clock.pendingTimers).toBe(0);
  });
});

describe('a connection whose peer certificate expires', () => {
  const hour = 3600_000;
  const start = Date.now();
  const soon = { notAfter: new Date(start + hour) };

  async function expiring(handler: Handler) {
    const clock = new FakeClock(0);
    const wallClock = () => start + clock.now();
    const served = await serve(own(handler), { clock, wallClock });
    return { ...served, clock };
  }

  it('ends at once where it is idle, and others go on with one timer for all', async () => {
    const { port, clock } = await expiring((_req, res) => void res.end());
    const [brief, longer, other] = [await peerOf(port, soon), await peerOf(port), await peerOf(port)];
    for (const socket of [brief, longer, other]) expect(await ask(socket)).toContain('200 OK');
    expect(clock.pendingTimers).toBe(1);
    const closed = closeOf(brief);
    clock.advance(hour);
    await closed;
    expect(await ask(longer)).toContain('200 OK');
  });

  it('ends after its running request, and begins no other', async () => {
    const running: ServerResponse[] = [];
    const { port, clock } = await expiring((_req, res) => void running.push(res));
    const socket = await peerOf(port, soon);
    socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => running.length).toBe(1);
    clock.advance(hour);
    socket.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    running[0]!.end('done');
    await closeOf(socket);
    expect(text).toMatch(/Connection: close.*done$/is);
    expect(running).toHaveLength(1);
  });
});

describe('a server whose certificate expires', () => {
  const hour = 3600_000;
  const uri = 'spiffe://cluster.local/ns/default/sa/reviews';
  const tls: UpstreamTls = {
    certificate: { kind: 'workload' },
    trust: { kind: 'workload' },
    sni: 'reviews',
    subjectAltNames: [{ kind: 'exact', value: uri, ignoreCase: false }],
    skipVerify: false,
  };

  function callerOf(port: number) {
    let now = Date.now();
    const identity = new ChangingIdentity(authority.issue('shop'));
    const internals = { wallClock: () => now };
    const mesh = keep(staticMesh([port], { identity, cluster: { transport: { kind: 'tls', tls } }, internals }));
    const wait = (ms: number) => {
      now += ms;
    };
    return { mesh, wait };
  }

  it('gets no more requests by the connections that there are', async () => {
    const { server, port, identity } = await serve(own((_req, res) => void res.end('done')));
    identity.set(authority.issue('reviews', { notAfter: new Date(Date.now() + hour) }));
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    const { mesh, wait } = callerOf(port);
    const get = () => callOf('http://reviews/', { dispatcher: mesh.dispatcher }).then(({ body }) => body.text());
    expect([await get(), await get()]).toEqual(['done', 'done']);
    wait(hour - 60_000);
    expect(await get()).toBe('done');
    const before = connections;
    wait(60_000);
    await expect(get()).rejects.toThrow('expired');
    expect(connections).toBe(before + 1);
  });

  it('gets no more gRPC calls, either', async () => {
    const { port, seen } = await serveGrpc({ notAfter: new Date(Date.now() + hour) });
    const { mesh, wait } = callerOf(port);
    const client = clientOf(mesh);
    for (const _ of [1, 2]) expect((await unary(client)).status.code).toBe(status.OK);
    wait(hour);
    expect((await unary(client)).status.details).toContain('expired');
    expect(seen).toHaveLength(2);
  });

  it('and a client of gRPC whose certificate expires is sent away', async () => {
    const clock = new FakeClock(0);
    const start = Date.now();
    const { port, seen, refused } = await serveGrpc({}, { clock, wallClock: () => start + clock.now() });
    const identity = new ChangingIdentity(authority.issue('shop', { notAfter: new Date(start + hour) }));
    const client = clientOf(keep(staticMesh([port], { identity, cluster: { transport: { kind: 'tls', tls } } })));
    expect((await unary(client)).status.code).toBe(status.OK);
    clock.advance(hour);
    await expect.poll(async () => (await unary(client)).status.code).toBe(status.UNAVAILABLE);
    await expect.poll(() => refused).toContain('expired');
    expect(seen).toHaveLength(1);
  });

  async function serveGrpc(options: Parameters<MeshAuthority['issue']>[1], internals: Partial<MeshInternals> = {}) {
    const refused: string[] = [];
    const seen: unknown[] = [];
    const identity = new ChangingIdentity(authority.issue('reviews', options));
    const onConnectionRefused = (reason: string) => void refused.push(reason);
    const mesh = keep(staticMesh([], { identity, inbound: strict, internals: { ...internals, onConnectionRefused } }));
    const server = new GrpcServer({ interceptors: [mesh.grpc.serverInterceptor()] });
    server.addService(testServiceMethods, {
      UnaryCall: (call: object, callback: sendUnaryData<object>) => {
        seen.push(call);
        callback(null, { username: 'done' });
      },
    } as UntypedServiceImplementation);
    const port = await mesh.grpc.bind(server, '127.0.0.1:0');
    keep({ close: () => server.forceShutdown() });
    return { port, seen, refused };
  }
});

it('a forged header does not come in by the trailers', async () => {
  const seen: unknown[] = [];
  const { port } = await serve(
    own((req, res) => {
      req.resume().on('end', () => {
        seen.push(req.trailers, req.trailersDistinct, req.rawTrailers);
        res.end();
      });
    }),
    { inbound: permissive },
  );
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
  await sendRaw(port, `${head}0\r\nX-Forwarded-Client-Cert: forged\r\nx-sum: 1\r\n\r\n`);
  expect(seen).toEqual([{ 'x-sum': '1' }, { 'x-sum': ['1'] }, ['x-sum', '1']]);
});

it('who prints a request sees no key, also after a rotation', async () => {
  const printed: string[] = [];
  const { port, identity } = await serve(
    own((req, res) => {
      for (const one of [req, req.socket, res]) printed.push(inspect(one, { depth: 6, showHidden: true }));
      res.end();
    }),
  );
  const keys = [identity.current!.certificate!.privateKey];
  await ask(await peerOf(port));
  const next = authority.issue('reviews');
  keys.push(next.key);
  identity.set(next);
  await ask(await peerOf(port));
  expect(printed).toHaveLength(6);
  const secrets = keys.flatMap((key) => formsOfKey(key).map(({ text }) => text));
  expect(printed.filter((text) => text.includes('PRIVATE KEY') || secrets.some((one) => text.includes(one)))).toEqual(
    [],
  );
});
