import { createServer, type Server } from 'node:http';
import { testRetryPolicy } from '@inmesh/core/testing';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { adapters, listen } from '../server/adapters.js';
import { type StaticMesh, staticMesh } from '../support/static-mesh.js';

const retry5xx = testRetryPolicy({
  on: new Set(['5xx', 'connect-failure'] as const),
  attempts: 2,
  backoff: { baseMs: 1, maxMs: 2 },
});

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(server: Server, close?: () => Promise<void>): Promise<number> {
  const port = await listen(server);
  open.push(async () => {
    server.closeAllConnections();
    await (close?.() ?? new Promise<void>((resolve) => server.close(() => resolve())));
  });
  return port;
}

function meshTo(ports: readonly number[]): StaticMesh {
  const mesh = staticMesh(ports, { retry: retry5xx });
  open.push(() => mesh.close());
  return mesh;
}

async function get(mesh: StaticMesh): Promise<number> {
  const { statusCode, body } = await request('http://reviews/', { dispatcher: mesh.dispatcher });
  await body.dump();
  return statusCode;
}

describe.each(adapters)('a service behind $name', ({ create }) => {
  /** A service that calls a leaf, with retries, and passes its status on; the leaf answers each request as told. */
  async function service(leafAnswers: (attempt: number) => number) {
    const seen = { leaf: 0, service: 0, attempts: [] as (string | undefined)[] };
    const leafPort = await serve(
      createServer((req, res) => {
        seen.leaf += 1;
        seen.attempts.push(req.headers['x-envoy-attempt-count'] as string | undefined);
        res.writeHead(leafAnswers(seen.leaf)).end();
      }),
    );
    const mesh = meshTo([leafPort]);
    const { server, close } = await create(mesh.internals, async (_req, res) => {
      seen.service += 1;
      res.statusCode = await get(mesh);
      res.end();
      return undefined;
    });
    return { seen, port: await serve(server, close) };
  }

  it('tells its client not to retry what it has retried in vain', async () => {
    const { seen, port } = await service(() => 503);
    expect(await get(meshTo([port]))).toBe(503);
    expect(seen).toEqual({ leaf: 3, service: 1, attempts: [undefined, '2', '3'] });
    const { headers, body } = await request(`http://127.0.0.1:${port}/`);
    await body.dump();
    expect(headers['x-inmesh-no-retry']).toBe('1');
  });

  it('does not say so when a retry did well', async () => {
    const { port } = await service((attempt) => (attempt === 1 ? 503 : 200));
    const { headers, body, statusCode } = await request(`http://127.0.0.1:${port}/`);
    await body.dump();
    expect(statusCode).toBe(200);
    expect(headers).not.toHaveProperty('x-inmesh-no-retry');
  });

  it('leaves retrying to a client that has begun with it', async () => {
    const { seen, port } = await service(() => 503);
    const { headers, body } = await request(`http://127.0.0.1:${port}/`, { headers: { 'x-envoy-attempt-count': '2' } });
    await body.dump();
    expect(seen).toEqual({ leaf: 1, service: 1, attempts: [undefined] });
    expect(headers['x-inmesh-no-retry']).toBe('1');
  });

  it('tells every tier below of a client that has begun with it', async () => {
    const { seen, port } = await service(() => 503);
    const mesh = meshTo([port]);
    const upper = await create(mesh.internals, async (_req, res) => {
      res.statusCode = await get(mesh);
      res.end();
      return undefined;
    });
    const upperPort = await serve(upper.server, upper.close);
    const headers = { 'x-envoy-attempt-count': '2' };
    const { body } = await request(`http://127.0.0.1:${upperPort}/`, { headers });
    await body.dump();
    expect(seen).toEqual({ leaf: 1, service: 1, attempts: [undefined] });
  });

  it('retries for a client whose first attempt says that it is one', async () => {
    const { seen, port } = await service(() => 503);
    const { body } = await request(`http://127.0.0.1:${port}/`, { headers: { 'x-envoy-attempt-count': '1' } });
    await body.dump();
    expect(seen.leaf).toBe(3);
  });
});
