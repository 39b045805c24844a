import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { createMesh, type Mesh } from 'inmesh';
import { expressErrorHandler, expressMiddleware } from 'inmesh/express';
import { fastifyPlugin } from 'inmesh/fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';

const byUser = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: last }
spec: { host: last, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: last }
spec:
  hosts: [last]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      route: [{ destination: { host: last, subset: v2 } }]
    - route: [{ destination: { host: last, subset: v1 } }]
`;

interface Seen {
  version: string;
  headers: IncomingHttpHeaders;
}

describe('three hops, Express to Fastify to node:http, with nothing passed on by hand', () => {
  let folder: ConfigFolder;
  let mesh: Mesh;
  let first: string;
  const closing: (() => Promise<unknown>)[] = [];
  const lastRequests: { closed: Promise<unknown> }[] = [];

  beforeEach(async () => {
    folder = new ConfigFolder();
    mesh = await createMesh({ config: folder.path });
    const last = await Promise.all(['v1', 'v2'].map((version) => listen(lastHop(version))));
    const middle = await listen(await middleHop(mesh));
    first = `http://127.0.0.1:${await listen(createServer(firstHop(mesh)))}`;
    const [v1, v2] = last.map((port, index) => ({ app: 'last', version: `v${index + 1}`, port }));
    folder.write(
      'services.yaml',
      [serviceYaml('last', [v1!, v2!]), serviceYaml('middle', [{ app: 'middle', version: 'v1', port: middle }])].join(
        '\n---\n',
      ),
    );
    folder.write('routes.yaml', byUser);
    await expect.poll(() => mesh.explain('http://last/').action, { timeout: 5000 }).toBeDefined();
  });

  afterEach(async () => {
    await mesh.close();
    for (const close of closing.splice(0)) await close();
    await folder.close();
    lastRequests.length = 0;
  });

  async function listen(server: Server): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(async () => {
      server.close();
      server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  function lastHop(version: string): Server {
    return createServer((request, response) => {
      const closed = new Promise((resolve) => response.on('close', () => resolve(response.writableFinished)));
      lastRequests.push({ closed });
      if (request.url === '/hang') return;
      response.end(JSON.stringify({ version, headers: request.headers } satisfies Seen));
    });
  }

  async function middleHop(mesh: Mesh): Promise<Server> {
    const app = fastify();
    await app.register(fastifyPlugin, { mesh });
    app.get('/*', async (request) => {
      await new Promise(setImmediate);
      const response = await mesh.fetch(`http://last${request.url}`);
      return await response.json();
    });
    await app.ready();
    closing.push(() => app.close());
    return app.server;
  }

  function firstHop(mesh: Mesh) {
    const app = express();
    app.use(expressMiddleware(mesh));
    app.get('/{*path}', async (request, response) => {
      const answer = await mesh.fetch(`http://middle${request.url}`);
      response.status(answer.status).send(await answer.text());
    });
    app.use(expressErrorHandler());
    return app;
  }

  async function get(path: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
    const response = await fetch(first + path, { headers });
    return { status: response.status, text: await response.text() };
  }

  it('routes the last hop by the header that came in at the first', async () => {
    expect(JSON.parse((await get('/x', { 'end-user': 'jason' })).text)).toMatchObject({ version: 'v2' });
    expect(JSON.parse((await get('/x', { 'end-user': 'ann' })).text)).toMatchObject({ version: 'v1' });
    expect(JSON.parse((await get('/x')).text)).toMatchObject({ version: 'v1' });
  });

  it('carries the trace on, and no secrets', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const sent = {
      traceparent,
      tracestate: 'a=b',
      baggage: 'k=v',
      'x-request-id': 'r1',
      authorization: 'secret',
      cookie: 's=1',
    };
    const { headers } = JSON.parse((await get('/x', sent)).text) as Seen;
    expect(headers).toMatchObject({ tracestate: 'a=b', baggage: 'k=v', 'x-request-id': 'r1' });
    expect(headers.traceparent).toContain('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(headers.authorization).toBeUndefined();
    expect(headers.cookie).toBeUndefined();
  });

  it('shrinks the time that is left from hop to hop, and answers 504 when it is over', async () => {
    const { headers } = JSON.parse((await get('/x', { 'x-envoy-expected-rq-timeout-ms': '5000' })).text) as Seen;
    const left = Number(headers['x-envoy-expected-rq-timeout-ms']);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(5000);
    const late = await get('/hang', { 'x-envoy-expected-rq-timeout-ms': '60' });
    expect(late.status).toBe(504);
    expect(late.text).toMatch(/deadline_exceeded|upstream_request_timeout/);
    expect(await lastRequests.at(-1)!.closed).toBe(false);
  });

  it('ends the last hop’s request when the first caller goes away', async () => {
    const request = httpRequest(`${first}/hang`);
    request.on('error', () => {});
    request.end();
    await expect.poll(() => lastRequests.length, { timeout: 5000 }).toBe(1);
    request.destroy();
    expect(await lastRequests[0]!.closed).toBe(false);
  });

  it('answers a failure of the mesh with its status and a short body', async () => {
    folder.write('services.yaml', serviceYaml('last', []));
    await expect.poll(() => mesh.explain('http://middle/').listener, { timeout: 5000 }).toBeUndefined();
    const { status, text } = await get('/x');
    expect(status).toBe(503);
    expect(text).toMatch(/^no_healthy_upstream \(UH\): /);
  });
});
