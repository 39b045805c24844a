import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { createMesh, type MeshOptions } from '../../src/index.js';
import { prometheus } from '../../src/telemetry/prometheus.js';
import { send } from '../server/client.js';
import { type LimitedMesh, limitedMesh } from './support.js';

let open: LimitedMesh | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function limitedBy(line: string, options: MeshOptions = {}): Promise<LimitedMesh> {
  open = await limitedMesh(`limits:\n  - ${line}\n`, options);
  return open;
}

async function statusesOf({ mesh }: LimitedMesh, ...calls: [url: string, init?: RequestInit][]): Promise<number[]> {
  const statuses: number[] = [];
  for (const [url, init] of calls) statuses.push((await mesh.fetch(url, init)).status);
  return statuses;
}

describe('A limit of outgoing calls', () => {
  it('refuses in the process that calls', async () => {
    const mesh = await limitedBy('{ destination: reviews, requests: 2, per: 1s, side: outbound, scope: process }');
    const calls = Array.from({ length: 3 }, (): [string] => ['http://reviews:9080/']);
    expect(await statusesOf(mesh, ...calls, ['http://productpage:9080/'])).toEqual([200, 200, 429, 200]);
    expect(mesh.handled).toHaveLength(3);
    mesh.clock.advance(1000);
    expect(await statusesOf(mesh, ...calls)).toEqual([200, 200, 429]);
  });

  it('is answered with a body that says so', async () => {
    const { mesh } = await limitedBy('{ requests: 1, per: 1s, side: outbound }');
    await mesh.fetch('http://reviews:9080/');
    const refused = await mesh.fetch('http://reviews:9080/', { method: 'POST', body: 'x' });
    expect(await refused.text()).toBe('local_rate_limited');
    expect(refused.headers.get('x-inmesh-reason')).toBe('rate_limited');
  });
});

describe('A limit with conditions', () => {
  it('counts only calls that meet all of them', async () => {
    const mesh = await limitedBy('{ requests: 1, per: 1s, method: POST, path: /orders, headers: { X-Tier: free } }');
    const post = { method: 'POST', headers: { 'x-tier': 'free' } };
    expect(
      await statusesOf(
        mesh,
        ['http://reviews:9080/orders', { method: 'POST' }],
        ['http://reviews:9080/orders', { headers: { 'x-tier': 'free' } }],
        ['http://reviews:9080/', post],
        ['http://reviews:9080/orders/1?a', post],
        ['http://productpage:9080/orders', post],
        ['http://productpage:9080/orders', { method: 'POST', headers: { 'x-tier': 'paid' } }],
      ),
    ).toEqual([200, 200, 200, 200, 429, 200]);
  });
});

describe('An incoming call by an address', () => {
  it('is counted as one to the service that the process is', async () => {
    const { port } = await limitedBy('{ destination: reviews, requests: 1, per: 1s }', {
      workload: { app: 'reviews' },
    });
    expect([await send(port), await send(port)].map(({ status }) => status)).toEqual([200, 429]);
  });

  it('is not counted where the process does not say what it is', async () => {
    const { port } = await limitedBy('{ destination: reviews, requests: 1, per: 1s }');
    expect([await send(port), await send(port)].map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('The store of limits', () => {
  it('is a URL of Redis', async () => {
    await expect(createMesh({ rateLimits: { redis: 'localhost:6379' } })).rejects.toMatchObject({
      reason: 'invalid_request',
      message: expect.stringContaining('is not a URL such as redis://host:6379'),
    });
  });

  it('that cannot be reached holds up neither the start, nor the end, and one call for 50 ms', async () => {
    const register = new Registry();
    const warnings: string[] = [];
    const { mesh, clock } = await limitedBy('{ requests: 2, per: 1h }', {
      rateLimits: { redis: 'redis://127.0.0.1:1' },
      telemetry: [prometheus({ register })],
      logger: { info() {}, warn: (message) => warnings.push(message), error() {} },
    });
    const isUp = async () => (await register.getSingleMetric('inmesh_rate_limit_store_up')?.get())?.values[0]?.value;
    expect(await isUp()).toBe(1);
    const first = mesh.fetch('http://reviews:9080/');
    while (warnings.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(1);
    }
    expect((await first).status).toBe(200);
    expect((await mesh.fetch('http://reviews:9080/')).status).toBe(200);
    expect((await mesh.fetch('http://reviews:9080/')).status).toBe(429);
    expect(warnings).toEqual([expect.stringContaining('each process counts by itself')]);
    expect(await isUp()).toBe(0);
  });
});
