import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Readable, Stream } from 'node:stream';
import { MeshError } from '@inmesh/core';
import { testCluster } from '@inmesh/core/testing';
import { type Dispatcher, FormData, request } from 'undici';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { retryEverything, type StaticMesh, staticMesh } from '../support/static-mesh.js';
import { closedPort, httpServer, type TestServer, tcpServer } from '../support/test-server.js';

async function echo(): Promise<TestServer> {
  return keep(
    await httpServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk) => chunks.push(chunk));
      req.on('end', () => {
        res.setHeader('content-type', 'application/json');
        res.end(
          JSON.stringify({
            method: req.method,
            url: req.url,
            headers: req.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
    }),
  );
}

interface Echoed {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

const url = 'http://reviews/reviews/7?all=1';

function through(mesh: StaticMesh, options: Partial<Dispatcher.RequestOptions> = {}) {
  return request(url, { ...(options as object), dispatcher: mesh.dispatcher });
}

async function failureOf(promise: Promise<unknown>): Promise<MeshError> {
  const error = await promise.then(
    () => expect.unreachable('the request should have failed'),
    (reason) => reason,
  );
  expect(MeshError.find(error)).toBeDefined();
  return MeshError.find(error)!;
}

describe('requests through the dispatcher', () => {
  it('arrive as they were sent, with the caller’s host', async () => {
    const server = await echo();
    const mesh = keep(staticMesh([server.port]));
    const { statusCode, body } = await through(mesh, { method: 'POST', body: 'hello', headers: { 'X-Name': 'a' } });
    const seen = (await body.json()) as Echoed;
    expect(statusCode).toBe(200);
    expect(seen).toMatchObject({ method: 'POST', url: '/reviews/7?all=1', body: 'hello' });
    expect(seen.headers).toMatchObject({ host: 'reviews', 'x-name': 'a' });
  });

  it('take headers in each of undici’s shapes, and a query option', async () => {
    const mesh = keep(staticMesh([(await echo()).port]));
    const shapes = [{ 'X-A': ['1', '2'] }, ['X-A', '1', 'X-A', '2'], new Map([['X-A', '1, 2']])];
    for (const headers of shapes) {
      const { body } = await request('http://reviews/p', {
        dispatcher: mesh.dispatcher,
        headers: headers as never,
        query: { q: 'x y' },
      });
      const seen = (await body.json()) as Echoed;
      expect(seen.headers['x-a']).toBe('1, 2');
      expect(seen.url).toBe('/p?q=x%20y');
    }
  });

  it('go to their origin under a Host that the configuration does not know, and by a Host that it knows', async () => {
    const mesh = keep(staticMesh([(await echo()).port]));
    const seenFrom = async (origin: string, host: string) =>
      (await (await request(origin, { dispatcher: mesh.dispatcher, headers: { host } })).body.json()) as Echoed;
    expect((await seenFrom('http://reviews/p', 'shop.example')).headers.host).toBe('shop.example');
    expect((await seenFrom('http://elsewhere/p', 'Reviews')).headers.host).toBe('Reviews');
  });

  it('are refused as undici refuses them when their headers are none', async () => {
    const mesh = keep(staticMesh([(await echo()).port]));
    for (const headers of [{ a: {} }, { a: Buffer.from('x') }, ['a', '1', 'b'], 'a: 1', { host: [{}] }])
      await expect(through(mesh, { headers: headers as never })).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    const { body } = await through(mesh, { headers: { 'x-a': null } as never });
    expect(((await body.json()) as Echoed).headers['x-a']).toBe('');
  });

  it('are told of 1xx answers before the final one', async () => {
    const server = keep(
      await httpServer((_, res) => {
        res.writeEarlyHints({ link: '</a.css>; rel=preload' });
        res.end('hinted');
      }),
    );
    const mesh = keep(staticMesh([server.port]));
    const statuses: number[] = [];
    const { statusCode, body } = await through(mesh, { onInfo: ({ statusCode: status }) => statuses.push(status) });
    expect(await body.text()).toBe('hinted');
    expect([...statuses, statusCode]).toEqual([103, 200]);
    const failing = through(mesh, {
      onInfo: () => {
        throw new Error('handler bug');
      },
    });
    await expect(failing).rejects.toThrow('handler bug');
  });

  it('take undici’s own forms, and send them again', async () => {
    const form = new FormData();
    form.set('file', new Blob(['of bytes']), 'name.txt');
    const server = keep(await httpServer((req, res) => req.pipe(res)));
    const mesh = keep(staticMesh([await closedPort(), server.port], { retry: retryEverything }));
    for (let i = 0; i < 2; i += 1) {
      const { body } = await through(mesh, { method: 'POST', body: form });
      expect(await body.text()).toMatch(/name="file"; filename="name.txt"[\s\S]*of bytes/);
    }
  });

  it('stream bodies both ways with back-pressure and without loss', async () => {
    const server = keep(await httpServer((req, res) => req.pipe(res)));
    const mesh = keep(staticMesh([server.port]));
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const source = Readable.from(Array.from({ length: 64 }, () => chunk));
    const { body } = await through(mesh, { method: 'POST', body: source });
    let bytes = 0;
    for await (const part of body) {
      bytes += (part as Buffer).length;
      if (bytes % 7 === 0) await new Promise(setImmediate);
    }
    expect(bytes).toBe(64 * chunk.length);
  });

  it('end the upstream request when the caller aborts, and the caller gets its own reason', async () => {
    let gone: Promise<unknown> | undefined;
    const server = keep(
      await httpServer((req) => {
        req.on('error', () => {});
        gone = new Promise((resolve) => req.on('close', resolve));
        abort.abort(new Error('changed my mind'));
      }),
    );
    const mesh = keep(staticMesh([server.port]));
    const abort = new AbortController();
    await expect(through(mesh, { signal: abort.signal })).rejects.toThrow('changed my mind');
    await gone;
    expect(mesh.internals.snapshots.current.clusters.get('reviews')!.endpoints[0]!.state.inFlight).toBe(0);
  });

  it('serve HEAD and 204 answers, and answers without a length', async () => {
    const server = keep(
      await httpServer((req, res) => {
        res.writeHead(req.url === '/none' ? 204 : 200);
        if (req.url === '/chunks') res.write('a');
        res.end(req.url === '/chunks' ? 'b' : undefined);
      }),
    );
    const mesh = keep(staticMesh([server.port]));
    const get = (path: string, method: Dispatcher.HttpMethod = 'GET') =>
      request(`http://reviews${path}`, { method, dispatcher: mesh.dispatcher });
    expect((await get('/none')).statusCode).toBe(204);
    expect(await (await get('/chunks')).body.text()).toBe('ab');
    expect((await get('/chunks', 'HEAD')).statusCode).toBe(200);
  });

  it('pass an upgrade on', async () => {
    const server = keep(await httpServer(() => {}));
    server.server.on('upgrade', (_, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    const mesh = keep(staticMesh([server.port]));
    const { socket } = await mesh.dispatcher.upgrade({
      path: '/',
      protocol: 'echo',
      origin: 'http://reviews',
    } as never);
    socket.write('ping');
    const [data] = await once(socket, 'data');
    expect(String(data)).toBe('ping');
    socket.destroy();
  });
});

describe('failures', () => {
  it('of a connection move a call of any method to the next endpoint', async () => {
    const server = await echo();
    const mesh = keep(staticMesh([await closedPort(), server.port], { retry: retryEverything }));
    for (let i = 0; i < 10; i += 1) {
      const { statusCode, body } = await through(mesh, { method: 'POST', body: 'x' });
      expect(statusCode).toBe(200);
      await body.dump();
    }
  });

  it('of a connection tell where and what to look at', async () => {
    const port = await closedPort();
    const mesh = keep(staticMesh([port], { retry: retryEverything }));
    const failure = await failureOf(through(mesh));
    expect(failure).toMatchObject({
      reason: 'upstream_connection_failure',
      endpoint: `127.0.0.1:${port}`,
      cluster: 'reviews',
      attempts: 4,
      maybeSent: false,
      httpStatus: 503,
    });
    expect(failure.hint).toContain('nothing listens');
  });

  it('after the request was sent repeat a GET and surface a POST with maybeSent (a7: RST and FIN)', async () => {
    for (const end of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
      let requests = 0;
      const server = keep(
        await tcpServer((socket) => {
          socket.on('data', () => {
            requests += 1;
            if (requests % 2 === 1) end(socket);
            else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          });
        }),
      );
      const mesh = keep(staticMesh([server.port], { retry: retryEverything }));
      expect((await through(mesh, { method: 'GET' })).statusCode).toBe(200);
      expect(requests).toBe(2);
      const failure = await failureOf(through(mesh, { method: 'POST', body: 'x' }));
      expect(failure).toMatchObject({ reason: 'upstream_connection_termination', maybeSent: true, attempts: 1 });
      expect(requests).toBe(3);
    }
  });

  it('never replay a streamed body once it has been read (e7), and do while it has not', async () => {
    const mesh = keep(staticMesh([await closedPort(), (await echo()).port], { retry: retryEverything }));
    for (let i = 0; i < 6; i += 1) {
      async function* once() {
        yield Buffer.from('abc');
      }
      const { body } = await through(mesh, { method: 'PUT', body: Readable.from(once()) });
      expect(((await body.json()) as Echoed).body).toBe('abc');
    }
    const reader = keep(
      await tcpServer((socket) => {
        socket.on('data', () => socket.resetAndDestroy());
      }),
    );
    const readsAndDies = keep(staticMesh([reader.port, reader.port], { retry: retryEverything }));
    const failure = await failureOf(through(readsAndDies, { method: 'PUT', body: Readable.from(['abc', 'def']) }));
    expect(failure.attempts).toBe(1);
  });

  it('never replay a stream of the oldest kind, which cannot tell whether it was read (e7)', async () => {
    class OldStream extends Stream {
      readable = true;
      #begun = false;
      resume() {
        if (this.#begun) return;
        this.#begun = true;
        setImmediate(() => {
          this.emit('data', Buffer.from('once'));
          this.emit('end');
        });
      }
      pause() {}
    }
    const server = keep(
      await httpServer((req, res) => {
        req.resume();
        req.on('end', () => res.writeHead(503).end());
      }),
    );
    const retry = { ...retryEverything, on: new Set(['5xx'] as const) };
    const mesh = keep(staticMesh([server.port], { retry, timeoutMs: 2000 }));
    const { statusCode, body } = await through(mesh, { method: 'PUT', body: new OldStream() as unknown as Readable });
    await body.dump();
    expect(statusCode).toBe(503);
  });

  it('of the request body are the caller’s own', async () => {
    const server = keep(
      await httpServer((req, res) => {
        req.on('error', () => {});
        req.resume();
        req.on('end', () => res.end());
      }),
    );
    const mesh = keep(staticMesh([server.port], { retry: retryEverything }));
    async function* iterable() {
      yield 'a';
      throw new Error('disk');
    }
    const stream = new Readable({
      read() {
        this.push('a');
        setImmediate(() => this.destroy(new Error('disk')));
      },
    });
    for (const body of [iterable() as never, stream]) {
      const error = await through(mesh, { method: 'PUT', body }).catch((reason) => reason);
      expect(error).toMatchObject({ message: 'disk' });
      expect(MeshError.find(error)).toBeUndefined();
    }
  });

  it('in the middle of a body reach the caller as the body’s error, and free the endpoint', async () => {
    const server = keep(
      await tcpServer((socket) => {
        socket.on('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
          setImmediate(() => socket.destroy());
        });
      }),
    );
    const mesh = keep(staticMesh([server.port], { retry: retryEverything }));
    const { body } = await through(mesh);
    const failure = await failureOf(body.text());
    expect(failure).toMatchObject({ reason: 'upstream_connection_termination', cluster: 'reviews' });
    expect(mesh.internals.snapshots.current.clusters.get('reviews')!.state.breaker.requests).toBe(0);
  });

  it('of the protocol are 502', async () => {
    const server = keep(await tcpServer((socket) => socket.on('data', () => socket.end('not http\r\n\r\n'))));
    const mesh = keep(staticMesh([server.port]));
    expect(await failureOf(through(mesh))).toMatchObject({ reason: 'upstream_protocol_error', httpStatus: 502 });
  });

  it('so are response headers above the size that is read', async () => {
    const server = keep(await httpServer((_req, res) => res.setHeader('x-huge', 'x'.repeat(20_000)).end()));
    const mesh = keep(staticMesh([server.port]));
    expect(await failureOf(through(mesh))).toMatchObject({ reason: 'upstream_protocol_error', httpStatus: 502 });
  });

  it('of the caller’s own request come back as undici’s errors', async () => {
    const mesh = keep(staticMesh([(await echo()).port]));
    await expect(through(mesh, { headers: { 'bad header': 'x' } })).rejects.toMatchObject({
      code: 'UND_ERR_INVALID_ARG',
    });
    await expect(mesh.dispatcher.request({ origin: 'ftp://reviews', path: '/', method: 'GET' })).rejects.toThrow(
      /not http/,
    );
  });

  it('in a caller’s handler end the call and nothing else (f3)', async () => {
    const mesh = keep(staticMesh([(await echo()).port]));
    const thrown = new Error('handler bug');
    const error = await new Promise((resolve) => {
      mesh.dispatcher.dispatch(
        { origin: 'http://reviews', path: '/', method: 'GET' },
        {
          onRequestStart() {},
          onResponseStart() {
            throw thrown;
          },
          onResponseError: (_, reason) => resolve(reason),
        },
      );
    });
    expect(error).toBe(thrown);
    const { statusCode, body } = await through(mesh);
    await body.dump();
    expect(statusCode).toBe(200);
  });
});

describe('time', () => {
  it('of the route ends a call to an endpoint that hangs, with 504', async () => {
    const server = keep(await httpServer(() => {}));
    const mesh = keep(staticMesh([server.port], { timeoutMs: 40 }));
    expect(await failureOf(through(mesh))).toMatchObject({ reason: 'upstream_request_timeout', httpStatus: 504 });
  });

  it('of the route covers the body', async () => {
    const server = keep(await httpServer((_, res) => res.writeHead(200, { 'content-length': 10 }).write('half')));
    const mesh = keep(staticMesh([server.port], { timeoutMs: 40 }));
    const { body } = await through(mesh);
    expect(await failureOf(body.text())).toMatchObject({ reason: 'upstream_request_timeout' });
  });

  it('that is left is told to the next hop', async () => {
    const mesh = keep(
      staticMesh([(await echo()).port], { timeoutMs: 5000, retry: { ...retryEverything, perTryTimeoutMs: 300 } }),
    );
    const { body } = await through(mesh);
    const seen = (await body.json()) as Echoed;
    expect(Number(seen.headers['x-envoy-expected-rq-timeout-ms'])).toBe(300);
  });
});

describe('endpoints that are removed', () => {
  it('finish what they have begun, get nothing new, and their pool closes', async () => {
    let release: (() => void) | undefined;
    const slow = keep(
      await httpServer((_, res) => {
        release = () => res.end('slow');
      }),
    );
    const other = await echo();
    const mesh = keep(staticMesh([slow.port]));
    const pending = through(mesh);
    await expect.poll(() => release).toBeDefined();
    mesh.setPorts([other.port]);
    expect(mesh.pools.size).toBe(0);
    for (let i = 0; i < 5; i += 1)
      expect((await (await through(mesh)).body.json()) as Echoed).toMatchObject({ method: 'GET' });
    release!();
    expect(await (await pending).body.text()).toBe('slow');
    await expect.poll(() => slow.sockets.size).toBe(0);
  });

  it('while a call backs off are replaced by those that came instead', async () => {
    const server = await echo();
    const mesh = keep(
      staticMesh([await closedPort()], { retry: { ...retryEverything, backoff: { baseMs: 1e3, maxMs: 200 } } }),
    );
    const { breaker } = mesh.internals.snapshots.current.clusters.get('reviews')!.state;
    const answer = through(mesh);
    await expect.poll(() => breaker.retries, { interval: 1 }).toBe(1);
    mesh.setPorts([server.port]);
    await (await answer).body.dump();
    expect(breaker.retries).toBe(0);
  });
});

describe('attempts that are given up', () => {
  async function oneBusyConnection() {
    let release: (() => void) | undefined;
    const server = keep(
      await httpServer((req, res) => {
        req.resume();
        if (req.url !== '/busy') return void res.end('free');
        res.write('busy');
        release = () => res.end();
      }),
    );
    const connections = new Set<Socket>();
    server.server.on('connection', (socket) => connections.add(socket));
    const { default: envoyDefaults, high } = testCluster().circuitBreakers;
    const limits = { default: { ...envoyDefaults, maxConnections: 1 }, high };
    return { server, connections, cluster: { circuitBreakers: limits }, release: () => release!() };
  }

  it('while they wait for a connection cost none', async () => {
    const { server, connections, cluster, release } = await oneBusyConnection();
    const mesh = keep(staticMesh([server.port], { cluster }));
    const busy = await request('http://reviews/busy', { dispatcher: mesh.dispatcher });
    const abort = new AbortController();
    const waiting = Array.from({ length: 20 }, () => through(mesh, { signal: abort.signal }).catch(() => 'aborted'));
    abort.abort();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['aborted']));
    release();
    await busy.body.dump();
    await (await through(mesh)).body.dump();
    expect(connections.size).toBe(1);
  });

  it('while they wait for a connection leave the body to the attempt that sends it', async () => {
    const { server, cluster, release } = await oneBusyConnection();
    const slowReader = keep(
      await httpServer((req, res) => {
        req.on('error', () => {});
        req.pipe(res);
      }),
    );
    const retry = { ...retryEverything, perTryTimeoutMs: 100 };
    const loadBalancer = { kind: 'roundRobin' } as const;
    const mesh = keep(staticMesh([server.port, slowReader.port], { retry, cluster: { ...cluster, loadBalancer } }));
    const endpoints = mesh.internals.snapshots.current.clusters.get('reviews')!.endpoints;
    const get = () => request('http://reviews/busy', { dispatcher: mesh.dispatcher });
    let busy = await get();
    // In turn: the busy one is taken first, and comes next.
    if (endpoints[0]!.state.inFlight === 0) {
      await busy.body.dump();
      busy = await get();
    }
    await (await get()).body.dump();
    const body = new Readable({ read() {} });
    const answer = request('http://reviews/p', { dispatcher: mesh.dispatcher, method: 'PUT', body });
    expect(endpoints[0]!.state.inFlight).toBe(2);
    await expect.poll(() => endpoints[1]!.state.inFlight, { interval: 5 }).toBe(1);
    body.push('one ');
    const { body: echoed } = await answer;
    release();
    await busy.body.dump();
    await (await through(mesh)).body.dump();
    body.push('two');
    body.push(null);
    expect(await echoed.text()).toBe('one two');
  });

  it('because of their status are not waited for when their body does not end', async () => {
    let requests = 0;
    const server = keep(
      await httpServer((_, res) => {
        requests += 1;
        if (requests === 1) res.writeHead(503).write('and so on');
        else res.end('ok');
      }),
    );
    const mesh = keep(staticMesh([server.port], { retry: { ...retryEverything, on: new Set(['5xx'] as const) } }));
    expect(await (await through(mesh)).body.text()).toBe('ok');
    const { state } = mesh.internals.snapshots.current.clusters.get('reviews')!;
    await expect.poll(() => state.breaker.requests, { timeout: 2000 }).toBe(0);
  });
});
