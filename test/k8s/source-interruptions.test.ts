import { seededRandom } from 'inmesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { constantLoad } from '../support/load.js';
import { atScale } from '../support/scale.js';
import { destinationRule, virtualService } from './support/istio-objects.js';
import { endpointSlice, service } from './support/objects.js';
import { listPath } from './support/resource-path.js';
import type { ServedCluster } from './support/serve-cluster.js';
import { dumpOf, endpointsIn } from './support/served-dump.js';
import { callReviews, namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';

const rounds = atScale({ slice: 8, full: 100 });
const random = seededRandom(2026);
const timings = { idleMs: 3000, backoff: { baseMs: 20, maxMs: 500 }, failuresToTell: 1000 };
/** A request may be on a connection that has fallen silent: it is given up after 10 s. */
const bound = { bound: 60_000 };
const services = ['a', 'b', 'c', 'd', 'marked'];
let shop: ShopMesh;
let served: ServedCluster;

beforeAll(async () => {
  // Without a watch cache, what etcd has forgotten is 410 at once.
  shop = await ShopMesh.start({ watchCache: false });
  await shop.pod('reviews-v1', 'v1');
  await shop.server.api.apply(destinationRule(namespace, 'a', ['v1', 'v2']));
  served = await shop.serve({ kubernetes: { timings } });
});

afterAll(() => shop?.close());

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

async function changeSomething(): Promise<void> {
  const { api } = shop.server;
  const name = pick(services);
  const of = service(namespace, name, { ports: [{ name: 'http', port: 80 }] });
  const count = Math.floor(random() * 5);
  const endpoints = Array.from({ length: count }, () => ({ address: `10.0.0.${1 + Math.floor(random() * 200)}` }));
  const slice = endpointSlice(namespace, name, { ports: [{ name: 'http', port: 8080 }], endpoints });
  const weight = Math.floor(random() * 101);
  const changes = [
    () => api.apply(of),
    () => api.remove(of),
    () => api.apply(slice),
    () => api.apply(slice),
    () => api.remove(slice),
    () => api.apply(virtualService(namespace, 'a', { v1: 100, v2: weight })),
    () => api.remove(virtualService(namespace, 'a', {})),
  ];
  await pick(changes)();
}

/** What is certain to be different in each round. */
async function mark(round: number): Promise<void> {
  const endpoints = [{ address: `10.1.0.${1 + round}` }];
  await shop.server.api.apply(service(namespace, 'marked', { ports: [{ name: 'http', port: 80 }] }));
  const slice = endpointSlice(namespace, 'marked', { name: 'mark', ports: [{ name: 'http', port: 8080 }], endpoints });
  await shop.server.api.apply(slice);
}

/** What the API server itself says that a service has. */
async function listedEndpoints(name: string): Promise<readonly string[]> {
  const { body } = await shop.server.api.request('GET', listPath('discovery.k8s.io/v1', 'EndpointSlice', namespace));
  const items = (body as unknown as { items: ReturnType<typeof endpointSlice>[] }).items;
  const addresses = items
    .filter(({ metadata }) => metadata.labels['kubernetes.io/service-name'] === name)
    .flatMap((slice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
  return [...new Set(addresses)].map((address) => `${address}:8080 HEALTHY`).sort();
}

async function isAsListed(): Promise<boolean> {
  const dump = await dumpOf(served);
  const { body } = await shop.server.api.request('GET', listPath('v1', 'Service', namespace));
  const existing = (body as unknown as { items: { metadata: { name: string } }[] }).items.map(
    ({ metadata }) => metadata.name,
  );
  for (const name of services) {
    const wanted = existing.includes(name) ? await listedEndpoints(name) : [];
    const found = endpointsIn(dump, `outbound|80||${name}.${namespace}.svc.cluster.local`);
    if (JSON.stringify(found) !== JSON.stringify(wanted)) return false;
  }
  return true;
}

async function interrupt(round: number): Promise<string> {
  const { server } = shop;
  const kinds = {
    cut: async () => void server.cutWatches(),
    silence: async () => server.silenceWatches(),
    compaction: async () => {
      server.cutWatches();
      await changeSomething();
      await server.compact();
    },
    restart: () => server.restart('SIGTERM'),
    crash: () => server.restart(),
  };
  const kind = (Object.keys(kinds) as (keyof typeof kinds)[])[round % 5]!;
  await kinds[kind]();
  return kind;
}

it(
  'the snapshot is as a fresh list after each cut, silence, compaction and restart, and no endpoint is lost meanwhile',
  async () => {
    const mesh = await shop.client(served);
    const load = constantLoad(1, async () => {
      const answer = await callReviews(mesh);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return answer;
    });
    const took: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = changeSomething().catch(() => {});
      const kind = await interrupt(round);
      await before;
      for (let change = 0; change < 5; change += 1) await changeSomething();
      await mark(round);
      const begun = performance.now();
      await waitFor(`the list of round ${round}, after a ${kind}`, isAsListed, bound);
      took.push(performance.now() - begun);
      const fresh = await shop.serve();
      const wanted = JSON.stringify(await dumpOf(fresh));
      await waitFor('the rest', async () => JSON.stringify(await dumpOf(served)) === wanted);
      await fresh.close();
    }
    await load.stop();
    expect([...new Set(load.answers)]).toEqual(['200 v1']);
    expect(load.failures).toEqual([]);
    const worst = Math.max(...took).toFixed(0);
    console.info(
      `${rounds} interruptions, ${load.answers.length} calls meanwhile; as listed after ${worst} ms at most`,
    );
  },
  atScale({ slice: 180_000, full: 1_800_000 }),
);
