import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMesh, type Mesh } from 'inmesh';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';

const retried = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: c }
spec:
  hosts: [c]
  http:
    - route: [{ destination: { host: c } }]
      retries: { attempts: 100, retryOn: 5xx, backoff: 1ms }
`;

type Handler = (req: IncomingMessage, res: ServerResponse, mesh: Mesh) => Promise<void> | void;

interface Hop {
  readonly port: number;
  /** What the hop was sent, in order. */
  readonly seen: IncomingHttpHeaders[];
  /** One for each request: whether its response got to its end. */
  readonly closed: Promise<boolean>[];
  /** One for each request: what its handler came to. */
  readonly handled: Promise<unknown>[];
}

const expected = 'x-envoy-expected-rq-timeout-ms';

describe('client -> a -> b -> c, each behind a mesh of its own', () => {
  let folder: ConfigFolder;
  let a: Hop;
  let b: Hop;
  let c: Hop;
  let onB: Handler;
  let onC: Handler;
  const closing: (() => unknown)[] = [];

  beforeEach(async () => {
    folder = new ConfigFolder();
    onB = passOnTo('http://c/');
    onC = (_req, res) => void res.end('done');
    c = await startHop((...request) => onC(...request));
    b = await startHop((...request) => onB(...request));
    a = await startHop(passOnTo('http://b/'));
    const services = [b, c].map(({ port }, i) => serviceYaml('bc'[i]!, [{ app: 'bc'[i]!, version: 'v1', port }]));
    folder.write('services.yaml', services.join('\n---\n'));
    const routed = () => meshes.map((mesh) => mesh.explain('http://b/').action && mesh.explain('http://c/').action);
    await expect.poll(() => routed().includes(undefined), { timeout: 5000 }).toBe(false);
  });

  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    meshes.length = 0;
    await folder.close();
  });

  const meshes: Mesh[] = [];

  async function startHop(handler: Handler): Promise<Hop> {
    const mesh = await createMesh({ config: folder.path });
    meshes.push(mesh);
    const hop: Omit<Hop, 'port'> = { seen: [], closed: [], handled: [] };
    const server = mesh.createServer((req, res) => {
      hop.seen.push(req.headers);
      hop.closed.push(once(res, 'close').then(() => res.writableFinished));
      const handled = Promise.resolve(handler(req, res, mesh));
      hop.handled.push(handled.catch((error) => error));
      return handled;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => {
      server.close();
      server.closeAllConnections();
      return mesh.close();
    });
    return { ...hop, port: (server.address() as AddressInfo).port };
  }

  function passOnTo(url: string): Handler {
    return async (req, res, mesh) => {
      const headers = { 'content-type': req.headers['content-type'] ?? 'text/plain' };
      const response = await mesh.fetch(url, { headers });
      res.statusCode = response.status;
      res.end(await response.text());
    };
  }

  async function get(headers: Record<string, string>): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${a.port}/`, { headers });
    return { status: response.status, text: await response.text() };
  }

  it.each([expected, 'x-envoy-upstream-rq-timeout-ms'])('%s shrinks at every hop', async (name) => {
    expect(await get({ [name]: '5000' })).toEqual({ status: 200, text: 'done' });
    const [atB, atC] = [b, c].map(({ seen }) => Number(seen[0]![expected]));
    expect(atB).toBeLessThan(5000);
    expect(atC).toBeLessThan(atB!);
    expect(atC).toBeGreaterThan(0);
  });

  it('grpc-timeout shrinks at every hop of a gRPC call, and says the same as Envoy’s header', async () => {
    await get({ 'grpc-timeout': '5S', 'content-type': 'application/grpc+proto' });
    const [atB, atC] = [b, c].map(({ seen }) => microseconds(seen[0]!['grpc-timeout']));
    expect(atB).toBeLessThan(5_000_000);
    expect(atC).toBeLessThan(atB!);
    expect(Math.floor(atC! / 1000)).toBe(Number(c.seen[0]![expected]));
  });

  it('a call that is no gRPC carries no grpc-timeout', async () => {
    await get({ 'grpc-timeout': '5S' });
    expect(c.seen[0]).not.toHaveProperty('grpc-timeout');
    expect(Number(c.seen[0]![expected])).toBeLessThan(5000);
  });

  it('the least of the times that the client sent counts', async () => {
    await get({ 'grpc-timeout': '5S', [expected]: '9000', 'x-envoy-upstream-rq-timeout-ms': '3000' });
    expect(Number(b.seen[0]![expected])).toBeLessThan(3000);
  });

  it('c sees the end of its request when the client goes away', async () => {
    onC = () => {};
    const request = httpRequest({ host: '127.0.0.1', port: a.port });
    request.on('error', () => {});
    request.end();
    await expect.poll(() => c.closed.length, { timeout: 5000 }).toBe(1);
    request.destroy();
    expect(await c.closed[0]).toBe(false);
    for (const hop of [a, b]) expect(await hop.handled[0]).toMatchObject({ reason: 'caller_cancelled' });
  });

  it('c sees the end of its request when the time is over, and the client gets 504', async () => {
    onC = () => {};
    const { status, text } = await get({ [expected]: '80' });
    expect(status).toBe(504);
    expect(text).toMatch(/^deadline_exceeded \(DT\)/);
    expect(await c.closed[0]).toBe(false);
  });

  it('nothing reaches c once a’s time is over', async () => {
    onB = async (req, res, mesh) => {
      await once(res, 'close');
      await passOnTo('http://c/')(req, res, mesh);
    };
    expect((await get({ [expected]: '60' })).status).toBe(504);
    await expect.poll(() => b.handled.length).toBe(1);
    expect(await b.handled[0]).toMatchObject({ reason: expect.stringMatching(/caller_cancelled|deadline_exceeded/) });
    expect(c.seen).toHaveLength(0);
  });

  it('no retry starts that could not end in time', async () => {
    folder.write('retries.yaml', retried);
    const retries = () => meshes[1]!.explain('http://c/').action?.retry?.attempts;
    await expect.poll(retries, { timeout: 5000 }).toBe(100);
    onC = (_req, res) => void res.writeHead(503).end();
    expect((await get({ [expected]: '60' })).status).toBeGreaterThanOrEqual(503);
    await Promise.all(b.handled);
    const left = c.seen.map((headers) => Number(headers[expected]));
    expect(left.length).toBeGreaterThan(1);
    for (const [index, ms] of left.entries()) {
      expect(ms).toBeGreaterThan(0);
      expect(ms).toBeLessThanOrEqual(left[index - 1] ?? 60);
    }
  });

  it('a request that comes with no time left is refused', async () => {
    const { status, text } = await get({ 'grpc-timeout': '0m' });
    expect(status).toBe(504);
    expect(text).toMatch(/^deadline_exceeded/);
    expect(a.seen).toHaveLength(0);
  });
});

function microseconds(grpcTimeout: unknown): number {
  const [, amount, unit] = /^(\d+)([nuS])$/.exec(String(grpcTimeout)) ?? [];
  return Number(amount) * { n: 0.001, u: 1, S: 1e6 }[unit as 'n' | 'u' | 'S'];
}
