import type { Mesh } from 'inmesh';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { constantLoad } from '../support/load.js';
import type { ServedCluster } from './support/serve-cluster.js';
import { dumpOf, endpointsIn } from './support/served-dump.js';
import { callReviews, namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';
import type { RunningPod } from './support/workloads.js';

const cluster = `outbound|80||reviews.${namespace}.svc.cluster.local`;
let shop: ShopMesh;
let served: ServedCluster;
let mesh: Mesh;

beforeAll(async () => {
  shop = await ShopMesh.start({ crds: false });
  served = await shop.serve();
});

afterAll(() => shop?.close());

async function healthOf(pod: RunningPod): Promise<string | undefined> {
  const found = endpointsIn(await dumpOf(served), cluster).find((one) => one.includes(`:${pod.backend.port} `));
  return found?.split(' ')[1];
}

/** In the order of Kubernetes: a pod that ends is terminating, at first ready to serve, until its containers have ended. */
async function replace(
  old: RunningPod,
  next: RunningPod,
  load: { readonly answers: readonly string[] },
): Promise<void> {
  await waitFor('the new pod', async () => (await healthOf(next)) === 'HEALTHY');
  await old.announce({ ready: false, serving: true, terminating: true });
  await waitFor('its end', async () => (await healthOf(old)) === 'DRAINING');
  let [count, since] = [-1, 0];
  await waitFor('its last call', () => {
    const isQuiet = old.backend.requests.length === count;
    if (!isQuiet) [count, since] = [old.backend.requests.length, load.answers.length];
    return isQuiet && load.answers.length > since + 100;
  });
  await old.announce({ ready: false, serving: false, terminating: true });
  await waitFor('the end of its endpoint', async () => (await healthOf(old)) === undefined);
  await old.forget();
  await old.close();
}

it('a roll-out that replaces every endpoint under load loses no request', async () => {
  const slow = (_: unknown, response: { end(text: string): unknown }) => setTimeout(() => response.end('ok'), 20);
  const names = ['a', 'b', 'c', 'd'];
  const before = await Promise.all(names.map((name) => shop.pod(`reviews-1-${name}`, 'v1', slow)));
  mesh = await shop.client(served);
  await waitFor('the pods', async () => (await callReviews(mesh)) === '200 ok');
  const load = constantLoad(20, () => callReviews(mesh));
  const after: RunningPod[] = [];
  for (const [index, old] of before.entries()) {
    after.push(await shop.pod(`reviews-2-${names[index]}`, 'v2', slow));
    await replace(old, after.at(-1)!, load);
  }
  const count = load.answers.length;
  await waitFor('calls of the new ones', () => load.answers.length > count + 200);
  await load.stop();
  expect([...new Set(load.answers)]).toEqual(['200 ok']);
  console.info(`${load.answers.length} calls while ${before.length} of ${before.length} endpoints were replaced`);

  // The last that serve are called to their end.
  const ending = { ready: false, serving: true, terminating: true };
  const [last, ...others] = after as [RunningPod, ...RunningPod[]];
  for (const pod of others) await pod.announce(ending);
  await waitFor('their end', async () => (await healthOf(others.at(-1)!)) === 'DRAINING');
  await last.announce(ending);
  await waitFor('the last ones', async () => (await healthOf(others.at(-1)!)) === 'HEALTHY');
  expect(await callReviews(mesh)).toBe('200 ok');
});
