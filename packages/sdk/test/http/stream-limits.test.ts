import type { RequestListener, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { ForwardAction } from '@inmesh/core';
import { testRetryPolicy } from '@inmesh/core/testing';
import { type Dispatcher, request } from 'undici';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { type StaticMesh, staticMesh } from '../support/static-mesh.js';
import { httpServer } from '../support/test-server.js';

async function serve(action: Partial<Omit<ForwardAction, 'kind' | 'totalWeight'>>, listener: RequestListener) {
  const server = keep(await httpServer(listener));
  return { server, mesh: keep(staticMesh([server.port], { action })) };
}

function send(mesh: StaticMesh, options: Partial<Dispatcher.RequestOptions> = {}) {
  return request('http://reviews/', { ...(options as object), dispatcher: mesh.dispatcher });
}

/** Moves something more often than the timeout allows silence, for longer than it. */
async function keepMoving(forMs: number, everyMs: number, move: () => void): Promise<void> {
  const from = performance.now();
  let last = from;
  while (performance.now() - from < forMs) {
    await new Promise(setImmediate);
    if (performance.now() - last < everyMs) continue;
    last = performance.now();
    move();
  }
}

async function chunksOf(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) text += String(chunk);
  return text;
}

describe('the idle timeout of a route', () => {
  it('ends a request whose headers do not come', async () => {
    const { mesh, server } = await serve({ idleTimeoutMs: 50 }, () => {});
    await expect(send(mesh)).rejects.toMatchObject({ reason: 'stream_idle_timeout', flag: 'SI', httpStatus: 504 });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('resets a response that stands still', async () => {
    const { mesh } = await serve({ idleTimeoutMs: 50 }, (_req, res) => void res.write('some'));
    const { statusCode, body } = await send(mesh);
    expect(statusCode).toBe(200);
    await expect(chunksOf(body)).rejects.toMatchObject({ reason: 'stream_idle_timeout' });
  });

  it('leaves alone what moves, in either direction', async () => {
    const started: ServerResponse[] = [];
    const { mesh } = await serve({ idleTimeoutMs: 200 }, (req, res) => {
      req.resume();
      req.on('end', () => {
        res.write('.');
        started.push(res);
      });
    });
    const upload = new PassThrough();
    const sending = send(mesh, { method: 'POST', body: upload });
    await keepMoving(400, 20, () => void upload.write('.'));
    upload.end();
    const { body } = await sending;
    const text = chunksOf(body);
    await keepMoving(400, 20, () => void started[0]!.write('.'));
    started[0]!.end();
    expect((await text).length).toBeGreaterThan(1);
  });
});

describe('the maximum stream duration of a route', () => {
  it('ends a request that takes longer', async () => {
    const { mesh } = await serve({ maxStreamDurationMs: 50 }, () => {});
    await expect(send(mesh)).rejects.toMatchObject({
      reason: 'max_duration_timeout',
      flag: 'UMSDR',
      httpStatus: 504,
    });
  });

  it('resets a response that moves for longer', async () => {
    const started: ServerResponse[] = [];
    const { mesh } = await serve({ maxStreamDurationMs: 100 }, (_req, res) => {
      res.write('.');
      started.push(res);
    });
    const { body } = await send(mesh);
    const text = chunksOf(body);
    text.catch(() => {});
    await keepMoving(200, 10, () => void started[0]!.write('.'));
    await expect(text).rejects.toMatchObject({ reason: 'max_duration_timeout' });
  });

  it('is what the next hop is told', async () => {
    const { mesh } = await serve({ maxStreamDurationMs: 5000 }, (req, res) =>
      res.end(req.headers['x-envoy-expected-rq-timeout-ms']),
    );
    const left = Number(await chunksOf((await send(mesh)).body));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(5000);
  });
});

describe('the idle timeout of an attempt', () => {
  const retry = testRetryPolicy({
    on: new Set(['5xx']),
    attempts: 1,
    perTryIdleTimeoutMs: 50,
    backoff: { baseMs: 1, maxMs: 1 },
  });

  it('gives way to another attempt while no headers have come', async () => {
    let seen = 0;
    const { mesh } = await serve({ retry }, (_req, res) => {
      seen += 1;
      if (seen === 2) res.end('second');
    });
    expect(await chunksOf((await send(mesh)).body)).toBe('second');
  });

  it('resets a response that stands still', async () => {
    const { mesh } = await serve({ retry }, (_req, res) => void res.write('some'));
    const { body } = await send(mesh);
    await expect(chunksOf(body)).rejects.toMatchObject({ reason: 'upstream_per_try_timeout' });
  });
});
