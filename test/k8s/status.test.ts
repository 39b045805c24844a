import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { bindRules } from './support/bind-rules.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import { destinationRule, virtualService } from './support/istio-objects.js';
import { service, serviceAccount } from './support/objects.js';
import { pathOf } from './support/resource-path.js';
import { type ServedCluster, serveCluster } from './support/serve-cluster.js';
import { waitFor } from './support/wait-for.js';

const namespace = 'shop';
const open: { close(): unknown }[] = [];
let server: ApiServer;
let served: readonly ServedCluster[];

function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

beforeAll(async () => {
  server = keep(await ApiServer.start());
  await makeNamespace(server.api, namespace);
  await makeNamespace(server.api, 'mesh');
  await server.api.apply(serviceAccount('mesh', 'inmesh'));
  await bindRules(server.api, 'mesh', 'inmesh');
  await installCrds(server, 'istio');
  await installCrds(server, 'gateway-api');
  const ports = [{ name: 'http', port: 80 }];
  for (const name of ['reviews', 'reviews-v1', 'reviews-v2'])
    await server.api.apply(service(namespace, name, { ports }));
  const token = await serviceAccountToken(server.api, 'mesh', 'inmesh');
  const kubeconfig = server.kubeconfigOf(token, server.url, 'mesh');
  served = [keep(await serveCluster(kubeconfig)), keep(await serveCluster(kubeconfig))];
});

afterAll(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function statusOf(object: Parameters<typeof pathOf>[0]) {
  const { body } = await server.api.request('GET', pathOf(object));
  return {
    generation: body.metadata.generation,
    status: (body.status ?? {}) as Record<string, Record<string, unknown>[]>,
  };
}

async function conditionsOf(object: Parameters<typeof pathOf>[0]) {
  const { generation, status } = await statusOf(object);
  const conditions = [...(status.conditions ?? []), ...(status.parents ?? []).flatMap((entry) => entry.conditions)];
  const current = conditions.filter(
    (one) => (one as { observedGeneration?: number }).observedGeneration === generation,
  );
  return (current as Record<string, string>[]).map(({ type, status: is, reason }) => `${type} ${is} ${reason}`).join();
}

function httpRoute(name: string, backend: string, parents: readonly object[]) {
  const spec = { parentRefs: parents, rules: [{ backendRefs: [{ name: backend, port: 80 }] }] };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name, namespace }, spec };
}

const parent = { group: '', kind: 'Service', name: 'reviews', port: 80 };

describe('the status of objects, written with the rights of the ClusterRole alone', () => {
  it('says of Istio objects whether they are in use, and what is wrong with them', async () => {
    const route = virtualService(namespace, 'reviews', { v1: 100 });
    await server.api.apply(route);
    await waitFor('no', async () => (await conditionsOf(route)) === 'Reconciled False Refused');
    const { status } = await statusOf(route);
    expect(status.conditions![0]).toMatchObject({
      message: expect.stringContaining(
        'spec.http[0].route[0].destination.subset: no DestinationRule has the subset "v1"',
      ),
    });
    const type = { code: 'IST0101', name: 'ReferencedResourceNotFound' };
    expect(status.validationMessages).toEqual([{ level: 'ERROR', type }]);
    await server.api.apply(destinationRule(namespace, 'reviews', ['v1']));
    await waitFor('yes', async () => (await conditionsOf(route)) === 'Reconciled True Accepted');
    expect((await statusOf(route)).status.validationMessages).toEqual([]);
    await server.api.remove(route);
  });

  it('says of routes whether they are bound and what they lead to, beside what other controllers say', async () => {
    const gateway = { name: 'front' };
    const route = httpRoute('reviews', 'reviews-v1', [gateway, parent]);
    await server.api.apply(route);
    await waitFor('yes', async () =>
      (await conditionsOf(route)).includes('Accepted True Accepted,ResolvedRefs True ResolvedRefs'),
    );
    const conditions = [
      { type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    const theirs = { parentRef: gateway, controllerName: 'other.test/gateway', conditions };
    const { status } = await statusOf(route);
    await server.api.applyStatus({ ...route, status: { parents: [theirs, ...status.parents!] } });
    await server.api.apply(httpRoute('reviews', 'none', [gateway, parent]));
    await waitFor(
      'no',
      async () => (await conditionsOf(route)) === 'Accepted True Accepted,ResolvedRefs False BackendNotFound',
    );
    const { parents } = (await statusOf(route)).status;
    expect(parents!.map(({ controllerName }) => controllerName)).toEqual([
      'other.test/gateway',
      'inmesh.io/config-server',
    ]);
    expect(parents![0]).toMatchObject(theirs);
    const unbound = { ...parent, port: 81 };
    await server.api.apply(httpRoute('reviews', 'reviews-v1', [unbound]));
    await waitFor('nothing', async () =>
      (await conditionsOf(route)).includes('Accepted False NoMatchingParent,ResolvedRefs True ResolvedRefs'),
    );
  });

  it('is written by one of two servers, once for each change, and by the other when that one has ended', async () => {
    const rule = destinationRule(namespace, 'reviews-v2', ['v1']);
    await server.api.apply(rule);
    await waitFor('yes', async () => (await conditionsOf(rule)) === 'Reconciled True Accepted');
    // Who writes anew what it does not own goes on for ever with us, if we do.
    await server.api.applyStatus({ ...rule, status: { conditions: [] } });
    const { body } = await server.api.request('GET', pathOf(rule));
    const { body: lease } = await server.api.request(
      'GET',
      '/apis/coordination.k8s.io/v1/namespaces/mesh/leases/inmesh-status',
    );
    expect(lease).toMatchObject({ spec: { holderIdentity: expect.any(String) } });
    await server.api.apply(virtualService(namespace, 'reviews-v2', { v1: 100 }));
    const other = virtualService(namespace, 'reviews-v2', { v1: 100 });
    await waitFor('another', async () => (await conditionsOf(other)) === 'Reconciled True Accepted');
    expect((await server.api.request('GET', pathOf(rule))).body.metadata.resourceVersion).toBe(
      body.metadata.resourceVersion,
    );
    await served[0]!.close();
    const third = destinationRule(namespace, 'reviews-v1', ['v1']);
    await server.api.apply(third);
    await waitFor('yes', async () => (await conditionsOf(third)) === 'Reconciled True Accepted');
    for (const { lines } of served) expect(lines.filter((line) => /not allowed|may not/.test(line))).toEqual([]);
  });
});
