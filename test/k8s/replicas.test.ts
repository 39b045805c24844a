import { findCluster } from '@inmesh/control-plane';
import { createMesh } from 'inmesh';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BreakableLink } from './support/breakable-link.js';
import { destinationRule, virtualService } from './support/istio-objects.js';
import type { ServedCluster } from './support/serve-cluster.js';
import { callReviews, namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';

let shop: ShopMesh;

beforeAll(async () => {
  shop = await ShopMesh.start();
  for (const version of ['v1', 'v2']) await shop.pod(`reviews-${version}`, version);
  await shop.server.api.apply(destinationRule(namespace, 'reviews', ['v1', 'v2']));
  await shop.server.api.apply(virtualService(namespace, 'reviews', { v1: 100 }));
});

afterAll(() => shop?.close());

const portOf = ({ addresses }: ServedCluster) => Number(addresses.xds.split(':').at(-1));

it('does not go back with a client that comes to a config server that is behind, and goes on with one that is not', async () => {
  const cluster = findCluster({ kubeconfig: shop.server.kubeconfig });
  const toApi = shop.keep(await BreakableLink.to(Number(new URL(cluster.server).port)));
  const ahead = await shop.serve();
  const behind = await shop.serve({
    kubernetes: { cluster: { ...cluster, server: `https://127.0.0.1:${toApi.port}` } },
  });
  const service = shop.keep(await BreakableLink.to(portOf(ahead)));
  const mesh = shop.keep(await createMesh({ xds: `127.0.0.1:${service.port}`, namespace }));
  await mesh.ready();
  expect(await callReviews(mesh)).toBe('200 v1');
  toApi.silence();
  await shop.server.api.apply(virtualService(namespace, 'reviews', { v2: 100 }));
  await waitFor('v2', async () => (await callReviews(mesh)) === '200 v2');
  const answers = new Set<string>();
  const until = (what: string, isSo: (status: ReturnType<typeof mesh.status>) => boolean) =>
    waitFor(what, async () => {
      answers.add(await callReviews(mesh));
      return isSo(mesh.status());
    });
  for (let moves = 0; moves < 3; moves += 1) {
    service.lead(portOf(behind));
    service.cut();
    await until('a refusal', ({ problem }) => problem?.includes('it is behind the server before it') === true);
    service.lead(portOf(ahead));
    await until('a server', ({ server, problem }) => server !== undefined && problem === undefined);
  }
  await shop.server.api.apply(virtualService(namespace, 'reviews', { v1: 100 }));
  await waitFor('v1', async () => (await callReviews(mesh)) === '200 v1');
  expect([...answers]).toEqual(['200 v2']);
});
