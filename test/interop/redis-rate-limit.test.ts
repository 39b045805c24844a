import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createMesh, type Mesh } from 'inmesh';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { RedisServer } from './support/redis-server.js';

interface Instance {
  readonly mesh: Mesh;
  readonly port: number;
  readonly said: string[];
}

const closers: (() => Promise<void> | void)[] = [];
const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);
let redis: RedisServer;

beforeAll(async () => {
  process.on('unhandledRejection', onRejection);
  redis = await RedisServer.start();
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
  redis.goOn();
  await redis.kill();
  process.off('unhandledRejection', onRejection);
  expect(rejections).toEqual([]);
});

/**
 * Two processes of `shop` in one, each with a mesh and a server of its own.
 * @param maxWaitMs long, so that a busy machine is not taken for a Redis that is away
 */
async function instances(limit: string, maxWaitMs = 10_000): Promise<readonly [Instance, Instance]> {
  const folder = new ConfigFolder();
  closers.push(() => folder.close());
  folder.write('shop.yaml', `${serviceYaml('shop', [])}\n---\nlimits:\n  - ${limit}\n`);
  const start = async (): Promise<Instance> => {
    const said: string[] = [];
    const logger = { info: (text: string) => said.push(text), warn: (text: string) => said.push(text), error() {} };
    const workload = { app: 'shop' };
    const mesh = await createMesh({
      config: folder.path,
      workload,
      rateLimits: { redis: redis.url, maxWaitMs },
      logger,
    });
    await mesh.ready();
    const server = mesh.createServer((_request, response) => void response.end('served')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => {
      await mesh.close();
      server.closeAllConnections();
      server.close();
    });
    said.length = 0;
    return { mesh, port: (server.address() as AddressInfo).port, said };
  };
  return [await start(), await start()];
}

/** The statuses of calls made at the same time, in turns to each of some instances. */
async function statusesOf(count: number, ...to: readonly Instance[]): Promise<number[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { port } = to[index % to.length]!;
      const response = await fetch(`http://127.0.0.1:${port}/`);
      await response.text();
      return response.status;
    }),
  );
}

async function served(count: number, ...to: readonly Instance[]): Promise<number> {
  const statuses = await statusesOf(count, ...to);
  const passed = statuses.filter((status) => status === 200).length;
  expect(statuses.filter((status) => status === 429)).toHaveLength(count - passed);
  return passed;
}

/** Calls until an instance has said something. */
async function callUntilSaid(instance: Instance, text: string): Promise<void> {
  while (!instance.said.some((line) => line.includes(text))) {
    await statusesOf(1, instance);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const away = 'the rate limit store does not answer';
const back = 'the rate limit store answers again';

describe('A limit of the whole mesh over a real Redis', () => {
  it('is shared exactly by two processes that are called at the same time', async () => {
    const [a, b] = await instances('{ requests: 100, per: 1h, name: shared }');
    expect(await served(400, a, b)).toBe(100);
    expect(await served(20, a)).toBe(0);
    expect([...a.said, ...b.said]).toEqual([]);
  });

  it('is filled again for all of them together', async () => {
    const [a, b] = await instances('{ requests: 10, per: 3s, name: filled }');
    expect(await served(10, a)).toBe(10);
    while ((await served(1, b)) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await served(30, a, b)).toBe(9);
  });

  it('holds for each process by itself when Redis is killed, and for all together when it is back', async () => {
    const [a, b] = await instances('{ requests: 50, per: 1h, name: killed }');
    expect(await served(60, a, b)).toBe(50);
    await redis.kill();
    expect(await served(120, a)).toBe(50);
    expect(await served(120, b)).toBe(50);
    expect(a.said.filter((line) => line.includes(away))).toHaveLength(1);
    await redis.start();
    await callUntilSaid(a, back);
    await callUntilSaid(b, back);
    // Redis has forgotten what was taken: one full bucket, for both. The calls that found out it was back took none.
    expect(await served(200, a, b)).toBe(50);
  });

  it('holds for each process by itself while Redis takes connections and does not answer', async () => {
    const [a] = await instances('{ requests: 5, per: 1h, name: paused }', 500);
    expect(await served(4, a)).toBe(4);
    redis.pause();
    expect(await served(20, a)).toBe(5);
    expect(a.said).toEqual([expect.stringContaining(away)]);
    redis.goOn();
    await callUntilSaid(a, back);
    // What was asked for before anyone knew that Redis is away has taken the last token.
    expect(await served(20, a)).toBe(0);
  });
});
