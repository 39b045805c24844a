import type { IncomingHttpHeaders } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import type { MirrorPolicy } from '@inmesh/core';
import { type Dispatcher, request } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { BodyTap } from '../../src/http/body-tap.js';
import { type StaticMesh, staticMesh } from '../support/static-mesh.js';
import { closedPort, httpServer, tcpServer } from '../support/test-server.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Undefined where the request broke off. */
  readonly body: string | undefined;
}

/** Keeps what it is sent, and answers with its name once it has all of it. */
async function recorder(name: string) {
  const seen: Seen[] = [];
  let started = 0;
  const server = keep(
    await httpServer((req, res) => {
      let body = '';
      started += 1;
      req.on('data', (chunk) => {
        body += chunk;
      });
      req.on('close', () => {
        seen.push({ method: req.method!, url: req.url!, headers: req.headers, body: req.complete ? body : undefined });
      });
      req.on('end', () => res.end(name));
      req.on('error', () => {});
    }),
  );
  return {
    ...server,
    seen,
    get started() {
      return started;
    },
  };
}

const everything: MirrorPolicy = { cluster: 'shadows', perMillion: 1_000_000, shadowSuffix: true };
const action = { mirrors: [everything] };

function breakerOfShadows(mesh: StaticMesh) {
  return mesh.internals.snapshots.current.clusters.get('shadows')!.state.breaker;
}

const until = (condition: () => unknown, wanted: unknown) =>
  expect.poll(condition, { timeout: 5000, interval: 2 }).toEqual(wanted);

async function send(mesh: StaticMesh, options: Partial<Dispatcher.RequestOptions> = {}): Promise<string> {
  const { body } = await request('http://reviews/p?q=1', { ...(options as object), dispatcher: mesh.dispatcher });
  return await body.text();
}

describe('a mirrored request', () => {
  let main: Awaited<ReturnType<typeof recorder>>;
  let shadow: Awaited<ReturnType<typeof recorder>>;
  let mesh: StaticMesh;

  beforeEach(async () => {
    main = await recorder('main');
    shadow = await recorder('shadow');
    mesh = keep(staticMesh([main.port], { action, shadowPorts: [shadow.port] }));
  });

  it.each<[string, () => unknown]>([
    ['text', () => 'hello'],
    ['bytes', () => Buffer.from('hello')],
    ['a stream', () => Readable.from(['he', 'llo'])],
    ['a generator', () => ['he', 'llo'].values()],
    ['nothing', () => undefined],
  ])('arrives twice with a body of %s', async (_, body) => {
    expect(await send(mesh, { method: 'POST', body: body() as never, headers: { 'x-a': '1' } })).toBe('main');
    await until(() => shadow.seen.length, 1);
    const [[seen], [copy]] = [main.seen, shadow.seen];
    expect(copy).toMatchObject({ method: 'POST', url: '/p?q=1', body: seen!.body });
    // The route has no timeout, and a copy is never without one.
    const { 'x-envoy-expected-rq-timeout-ms': timeLeft, ...others } = copy!.headers;
    expect(Number(timeLeft)).toBeLessThanOrEqual(15_000);
    expect(others).toEqual({ ...seen!.headers, host: 'reviews-shadow' });
    await until(() => breakerOfShadows(mesh).requests, 0);
  });

  it('keeps the connection of its copy', async () => {
    for (let i = 0; i < 3; i += 1) {
      await send(mesh);
      await until(() => breakerOfShadows(mesh).requests, 0);
      await new Promise(setImmediate);
    }
    expect(shadow.seen).toHaveLength(3);
    expect(shadow.sockets.size).toBe(1);
  });

  it('breaks its copy off when its own body breaks off', async () => {
    const body = new PassThrough();
    const sending = send(mesh, { method: 'POST', body });
    sending.catch(() => {});
    body.write('half');
    await until(() => shadow.started, 1);
    body.destroy(new Error('the source broke'));
    await expect(sending).rejects.toThrow('the source broke');
    await until(() => shadow.seen.map((seen) => seen.body), [undefined]);
    await until(() => breakerOfShadows(mesh).requests, 0);
  });

  it('does not end its copy when it is cancelled', async () => {
    const cancel = new AbortController();
    const abandoned = keep(await tcpServer(() => {}));
    const hanging = keep(staticMesh([abandoned.port], { action, shadowPorts: [shadow.port] }));
    const sending = send(hanging, { signal: cancel.signal });
    cancel.abort();
    await expect(sending).rejects.toMatchObject({ name: 'AbortError' });
    await until(() => shadow.seen.map((seen) => seen.body), ['']);
  });
});

describe('a mirror that fails', () => {
  it.each<[string, () => Promise<number>]>([
    ['refuses connections', closedPort],
    ['cuts them', async () => keep(await tcpServer((socket) => socket.destroy())).port],
    ['answers nonsense', async () => keep(await tcpServer((socket) => socket.end('nonsense\r\n\r\n'))).port],
    ['answers 500', async () => keep(await httpServer((_req, res) => res.writeHead(500).end())).port],
  ])('because it %s leaves the request alone', async (_, port) => {
    const main = await recorder('main');
    const mesh = keep(staticMesh([main.port], { action, shadowPorts: [await port()] }));
    for (const body of ['text', Readable.from(['stream'])]) {
      expect(await send(mesh, { method: 'POST', body })).toBe('main');
    }
    await until(() => breakerOfShadows(mesh).requests, 0);
  });

  it('ends at the route’s timeout when it hangs', async () => {
    const main = await recorder('main');
    const hanging = keep(await tcpServer((socket) => socket.resume()));
    const mesh = keep(staticMesh([main.port], { action, timeoutMs: 50, shadowPorts: [hanging.port] }));
    expect(await send(mesh)).toBe('main');
    await until(() => breakerOfShadows(mesh).requests, 0);
    await until(() => hanging.sockets.size, 0);
  });
});

describe('a copy of a body', () => {
  const drain = async (copy: AsyncIterable<string | Uint8Array>) => {
    const chunks: string[] = [];
    for await (const chunk of copy) chunks.push(String(chunk));
    return chunks;
  };

  it('has the chunks in their order, whenever it is read', async () => {
    const tap = new BodyTap();
    const early = drain(tap.copy());
    const late = tap.copy();
    for (const chunk of ['a', 'b', 'c']) {
      tap.write(chunk);
      await undefined;
    }
    tap.end();
    expect([await early, await drain(late)]).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
  });

  it('is abandoned when it falls more than 1 MiB behind', async () => {
    const tap = new BodyTap();
    const copy = tap.copy();
    for (let i = 0; i < 16; i += 1) tap.write(Buffer.alloc(64 * 1024));
    tap.write('x');
    tap.end();
    await expect(drain(copy)).rejects.toThrow('behind');
  });

  it('fails when the request is over before its body', async () => {
    const tap = new BodyTap();
    const copy = drain(tap.copy());
    tap.write('a');
    tap.abandon();
    await expect(copy).rejects.toThrow('ended before its body');
  });
});
