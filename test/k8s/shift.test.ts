import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mesh } from 'inmesh';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atScale } from '../support/scale.js';
import { destinationRule, virtualService } from './support/istio-objects.js';
import { listPath } from './support/resource-path.js';
import { callReviews, namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';
import type { Watch } from './support/watch.js';

let shop: ShopMesh;
let mesh: Mesh;
let watch: Watch;

beforeAll(async () => {
  shop = await ShopMesh.start();
  for (const version of ['v1', 'v2']) await shop.pod(`reviews-${version}`, version);
  const { api } = shop.server;
  await api.apply(destinationRule(namespace, 'reviews', ['v1', 'v2']));
  await api.apply(virtualService(namespace, 'reviews', { v1: 100, v2: 0 }));
  mesh = await shop.client(await shop.serve());
  watch = await api.watch(listPath('networking.istio.io/v1', 'VirtualService', namespace));
});

afterAll(async () => {
  watch?.close();
  await shop?.close();
});

async function until(condition: () => boolean | Promise<boolean>): Promise<number> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
  return performance.now();
}

function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(q * values.length) - 1]!;
}

async function shareOf(answer: string, calls: number): Promise<number> {
  let count = 0;
  for (let call = 0; call < calls; call += 1) if ((await callReviews(mesh)) === answer) count += 1;
  return count / calls;
}

describe('kubectl apply of a VirtualService', () => {
  it('gives the versions their shares', async () => {
    const file = join(tmpdir(), `inmesh-shift-${process.pid}.json`);
    writeFileSync(file, JSON.stringify(virtualService(namespace, 'reviews', { v1: 90, v2: 10 })));
    await shop.server.kubectl('apply', '--server-side', '--force-conflicts', '--filename', file);
    await waitFor('the first call of v2', async () => (await callReviews(mesh)) === '200 v2');
    // Of 2000 calls with a share of 0.1, the standard deviation is 0.0067.
    const share = await shareOf('200 v2', 2000);
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.13);
  });

  it('shifts the calls of a client in under a second, 99 times of 100', async () => {
    await shop.server.api.apply(virtualService(namespace, 'reviews', { v1: 100, v2: 0 }));
    await waitFor('an end of v2', async () => (await shareOf('200 v2', 50)) === 0);
    const shifts: number[] = [];
    const watched: number[] = [];
    for (let change = 0; change < atScale({ slice: 30, full: 100 }); change += 1) {
      const isBack = change % 2 === 1;
      const weights = isBack ? { v1: 100, v2: 0 } : { v1: 0, v2: 100 };
      const seen = watch.events.length;
      const begun = performance.now();
      const [, eventAt, shiftedAt] = await Promise.all([
        shop.server.api.apply(virtualService(namespace, 'reviews', weights)),
        until(() => watch.events.length > seen),
        until(async () => (await callReviews(mesh)) === (isBack ? '200 v1' : '200 v2')),
      ]);
      watched.push(eventAt - begun);
      shifts.push(shiftedAt - begun);
      // Its status is written meanwhile, which is an event too.
      await waitFor('its status', () => watch.events.length >= seen + 2);
    }
    const [p50, p99] = [quantile(shifts, 0.5), quantile(shifts, 0.99)];
    const ratio = p50 / quantile(watched, 0.5);
    const times = `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`;
    console.info(`shift of calls: ${times}; ${ratio.toFixed(1)} times the API server's own watch latency`);
    expect(p99).toBeLessThan(1000);
  });
});
