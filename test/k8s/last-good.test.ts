import type { Mesh } from 'inmesh';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bindRules } from './support/bind-rules.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { destinationRule, virtualService } from './support/istio-objects.js';
import { serviceAccount } from './support/objects.js';
import type { KubernetesObject } from './support/resource-path.js';
import { type ServedCluster, serveCluster } from './support/serve-cluster.js';
import { dumpOf } from './support/served-dump.js';
import { callReviews, namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';

let shop: ShopMesh;
let kubeconfig: string;

beforeAll(async () => {
  shop = await ShopMesh.start();
  const { api } = shop.server;
  await makeNamespace(api, 'mesh');
  await api.apply(serviceAccount('mesh', 'inmesh'));
  await bindRules(api, 'mesh', 'inmesh');
  const token = await serviceAccountToken(api, 'mesh', 'inmesh');
  kubeconfig = shop.server.kubeconfigOf(token, shop.server.url, 'mesh');
  for (const version of ['v1', 'v2']) await shop.pod(`reviews-${version}`, version);
  await api.apply(destinationRule(namespace, 'reviews', ['v1', 'v2']));
});

afterAll(() => shop?.close());

/** Requests of `reviews` that are allowed. */
function policy(rule: object): KubernetesObject {
  const metadata = { name: 'reviews', namespace };
  const spec = { action: 'ALLOW', rules: [rule] };
  return { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata, spec };
}

const rightPolicy = policy({ to: [{ operation: { methods: ['GET'] } }] });
const brokenPolicy = policy({ when: [{ key: 'request.header[x]', values: ['a'] }] });

async function versionsOf(served: ServedCluster): Promise<Readonly<Record<string, string>>> {
  return (await dumpOf(served)).versions;
}

/** What 30 calls are answered with, each answer once. */
async function answersOf(mesh: Mesh): Promise<readonly string[]> {
  const answers = new Set<string>();
  for (let call = 0; call < 30; call += 1) answers.add(await callReviews(mesh));
  return [...answers].sort();
}

/** The uids of what is kept. */
async function kept(): Promise<readonly string[]> {
  const path = '/api/v1/namespaces/mesh/configmaps/inmesh-last-good';
  const { body } = await shop.server.api.request<{ binaryData?: Record<string, string> }>('GET', path);
  return Object.keys(body.binaryData ?? {}).sort();
}

async function uidOf(group: string, plural: string): Promise<string> {
  const path = `/apis/${group}/v1/namespaces/${namespace}/${plural}/reviews`;
  const { body } = await shop.server.api.request<{ metadata: { uid: string } }>('GET', path);
  return body.metadata.uid;
}

it('of broken objects all config servers serve the same last good content, whenever they began', async () => {
  const { api } = shop.server;
  const begin = async () => await serveCluster(kubeconfig);
  await api.apply(virtualService(namespace, 'reviews', { v1: 100 }));
  await api.apply(rightPolicy);
  const first = await begin();
  const right = await versionsOf(first);
  await api.apply(virtualService(namespace, 'reviews', { v1: 99, v3: 1 }));
  await api.apply(brokenPolicy);
  const uids = [
    await uidOf('networking.istio.io', 'virtualservices'),
    await uidOf('security.istio.io', 'authorizationpolicies'),
  ].sort();
  await waitFor('what is kept', async () => (await kept()).join() === uids.join(), {
    log: () => first.lines.join('\n'),
  });

  const second = await begin();
  expect(await versionsOf(first)).toEqual(right);
  expect(await versionsOf(second)).toEqual(right);
  for (const served of [first, second]) expect(await answersOf(await shop.client(served))).toEqual(['200 v1']);

  // All of them end, one after the other has begun or not.
  await first.close();
  await second.close();
  const third = await begin();
  expect(await versionsOf(third)).toEqual(right);
  const client = await shop.client(third);
  expect(await answersOf(client)).toEqual(['200 v1']);

  await api.apply(virtualService(namespace, 'reviews', { v2: 100 }));
  await waitFor('the mended object', async () => (await answersOf(client)).join() === '200 v2');
  const ofPolicy = await uidOf('security.istio.io', 'authorizationpolicies');
  await waitFor('its entry to go', async () => (await kept()).join() === ofPolicy);
  await api.remove(brokenPolicy);
  await waitFor('the last entry to go', async () => (await kept()).length === 0);
  expect(third.lines.filter((line) => line.includes('not kept') || line.includes('not known'))).toEqual([]);
  await third.close();
});

it('a config server without the rights for it serves what it has seen, and says so once', async () => {
  const { api } = shop.server;
  await api.apply(virtualService(namespace, 'reviews', { v1: 100 }));
  await api.remove({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'inmesh', namespace: 'mesh' },
  });
  const served = await serveCluster(kubeconfig);
  shop.keep(served);
  await api.apply(virtualService(namespace, 'reviews', { v1: 99, v3: 1 }));
  await waitFor('the refusal', () => served.lines.some((line) => line.includes('refused VirtualService/shop/reviews')));
  expect(await answersOf(await shop.client(served))).toEqual(['200 v1']);
  const warning =
    'nor the last good content of broken ones kept for others: the lease mesh/inmesh-status may not be used';
  await waitFor('the warning', () => served.lines.some((line) => line.includes(warning)));
  expect(served.lines.filter((line) => line.includes(warning))).toHaveLength(1);
});
