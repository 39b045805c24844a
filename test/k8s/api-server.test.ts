import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { makeNamespace, removeNamespace, startPod } from './support/cluster-objects.js';
import { endpointSlice, namespace, node, pod, service } from './support/objects.js';
import { kubernetesVersion } from './support/peers.js';
import { listPath, pathOf } from './support/resource-path.js';

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, 'shop');
});

afterAll(() => server?.close());

describe('the API server of the tests', () => {
  it('is the one that go.mod names, and so are kubectl and helm', async () => {
    const { body } = await server.api.request('GET', '/version');
    expect(body).toMatchObject({ gitVersion: kubernetesVersion, platform: 'linux/amd64' });
    const versions = JSON.parse(await server.kubectl('version', '--output=json'));
    expect(versions).toMatchObject({
      clientVersion: { gitVersion: kubernetesVersion },
      serverVersion: { gitVersion: kubernetesVersion },
    });
    expect(await server.helm('version', '--template={{.Version}}')).toMatch(/^v3\./);
  });

  it('keeps an object, changes it, says no to an old copy of it and removes it', async () => {
    const cart = service('shop', 'cart', { ports: [{ port: 80 }] });
    const { status, body: made } = await server.api.request('POST', listPath('v1', 'Service', 'shop'), cart);
    expect(status).toBe(201);
    expect(made).toMatchObject({ spec: { clusterIP: expect.stringMatching(/^10\.96\./) } });

    const changed = { ...made, spec: { ...(made.spec as object), ports: [{ port: 81 }] } };
    expect(await server.api.request('PUT', pathOf(cart), changed)).toMatchObject({ status: 200 });
    expect(await server.api.request('PUT', pathOf(cart), made)).toMatchObject({
      status: 409,
      body: { reason: 'Conflict' },
    });
    expect(await server.api.request('GET', pathOf(cart))).toMatchObject({ body: { spec: { ports: [{ port: 81 }] } } });

    await server.api.remove(cart);
    expect(await server.api.request('GET', pathOf(cart))).toMatchObject({ status: 404 });
    await server.api.remove(cart);
  });

  it('streams what changes to a watch from a revision on', async () => {
    const path = listPath('discovery.k8s.io/v1', 'EndpointSlice', 'shop');
    const { body: list } = await server.api.request('GET', path);
    const watch = await server.api.watch(path, { resourceVersion: list.metadata.resourceVersion! });

    const ports = [{ name: 'http', port: 8080 }];
    const slice = endpointSlice('shop', 'watched', { ports, endpoints: [{ address: '10.0.0.1' }] });
    await server.api.apply(slice);
    const leaving = { address: '10.0.0.1', ready: false, serving: true, terminating: true };
    await server.api.apply(endpointSlice('shop', 'watched', { ports, endpoints: [leaving] }));
    await server.api.remove(slice);

    await watch.find('the removal', ({ type }) => type === 'DELETED');
    watch.close();
    expect(watch.events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(watch.events[1]?.object).toMatchObject({
      endpoints: [{ conditions: { ready: false, serving: true, terminating: true } }],
    });
  });

  it('sends what there is to a watch that asks for it, and says where that ends', async () => {
    const query = { sendInitialEvents: 'true', allowWatchBookmarks: 'true', resourceVersionMatch: 'NotOlderThan' };
    const watch = await server.api.watch(listPath('v1', 'ServiceAccount', 'shop'), query);
    const { object } = await watch.find('the end of what there is', ({ type }) => type === 'BOOKMARK');
    watch.close();
    expect(watch.events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('holds a pod with its address and its node with its zone', async () => {
    await server.api.apply(node('node-a', { region: 'north', zone: 'north-1' }));
    await startPod(server.api, 'shop', 'cart-1', { ip: '10.0.0.7', labels: { version: 'v1' }, nodeName: 'node-a' });
    expect(await server.api.request('GET', pathOf(pod('shop', 'cart-1')))).toMatchObject({
      body: {
        metadata: { labels: { version: 'v1' } },
        spec: { nodeName: 'node-a', serviceAccountName: 'default' },
        status: { phase: 'Running', podIP: '10.0.0.7' },
      },
    });
  });

  it('keeps a pod that ends until its kubelet says that it has ended', async () => {
    await startPod(server.api, 'shop', 'leaving', { ip: '10.0.0.8', nodeName: 'node-a' });
    const leaving = pod('shop', 'leaving');
    await server.api.remove(leaving, { gracePeriodSeconds: 30 });
    const { body } = await server.api.request('GET', pathOf(leaving));
    expect(body.metadata.deletionTimestamp).toBeDefined();
    await server.api.remove(leaving);
    expect(await server.api.request('GET', pathOf(leaving))).toMatchObject({ status: 404 });
  });

  it('lets go of a namespace', async () => {
    await makeNamespace(server.api, 'short-lived', { 'istio.io/rev': 'canary' });
    await removeNamespace(server.api, 'short-lived');
    expect(await server.api.request('GET', pathOf(namespace('short-lived')))).toMatchObject({ status: 404 });
  });
});
