import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './support/api-client.js';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { service } from './support/objects.js';
import { listPath, pathOf } from './support/resource-path.js';
import { waitFor } from './support/wait-for.js';

const services = listPath('v1', 'Service', 'shop');
let server: ApiServer;
let linked: ApiClient;

beforeAll(async () => {
  server = await ApiServer.start();
  linked = new ApiClient(server.url, server.adminToken, server.ca);
  await makeNamespace(server.api, 'shop');
});

afterAll(async () => {
  linked?.close();
  await server?.close();
});

async function revisionOfServices(api: ApiClient): Promise<string> {
  const { body } = await api.request('GET', services);
  return body.metadata.resourceVersion!;
}

describe('an API server that fails', () => {
  it('has all objects after a restart, at the same address', async () => {
    const cart = service('shop', 'cart', { ports: [{ port: 80 }] });
    const { metadata } = await server.api.apply(cart);
    const watch = await linked.watch(services);
    await server.restart();
    await waitFor('the end of the watch', () => watch.hasEnded);
    expect(await linked.request('GET', pathOf(cart))).toMatchObject({ status: 200, body: { metadata } });
  });

  it('ends its watches in order when it is told to end', async () => {
    const watch = await linked.watch(services);
    await server.stop('SIGTERM');
    await waitFor('the end of the watch', () => watch.hasEnded);
    await expect(linked.request('GET', services)).rejects.toThrow();
    await server.start();
    expect(await linked.request('GET', services)).toMatchObject({ status: 200 });
  });

  it('has the watches of its link cut, and takes new ones', async () => {
    const direct = await server.api.watch(services);
    const watch = await linked.watch(services);
    expect(server.connections).toBeGreaterThan(0);
    expect(server.cutWatches()).toBeGreaterThan(0);
    await waitFor('the end of the watch', () => watch.hasEnded);
    expect(direct.hasEnded).toBe(false);
    direct.close();
    const next = await linked.watch(services);
    await next.find('a service', ({ type }) => type === 'ADDED');
    next.close();
  });

  it('has watches that are open and silent, and takes new ones', async () => {
    const resourceVersion = await revisionOfServices(server.api);
    const silent = await linked.watch(services, { resourceVersion });
    server.silenceWatches();
    await server.api.apply(service('shop', 'unheard-of', { ports: [{ port: 80 }] }));
    const next = await linked.watch(services, { resourceVersion });
    await next.find('the service', ({ object }) => object.metadata.name === 'unheard-of');
    expect(silent.events).toEqual([]);
    expect(silent.hasEnded).toBe(false);
    silent.close();
    next.close();
  });
});

describe('revisions that etcd has forgotten', () => {
  const expired = { type: 'ERROR', object: { code: 410, reason: 'Expired' } };

  async function addServices(api: ApiClient, ...names: string[]): Promise<void> {
    for (const name of names) await api.apply(service('shop', name, { ports: [{ port: 80 }] }));
  }

  it('are 410 for a watch after a restart', async () => {
    const resourceVersion = await revisionOfServices(server.api);
    await addServices(server.api, 'one', 'two');
    await server.compact();
    const cached = await server.api.watch(services, { resourceVersion });
    await cached.find('a service', ({ type }) => type === 'ADDED');
    cached.close();

    await server.restart();
    const watch = await server.api.watch(services, { resourceVersion });
    const event = await watch.find('an error', ({ type }) => type === 'ERROR');
    watch.close();
    expect(event).toMatchObject(expired);
  });

  it('are 410 at once for a watch of a server without watch cache, and for the next page of a list', async () => {
    const plain = await ApiServer.start({ watchCache: false });
    try {
      await makeNamespace(plain.api, 'shop');
      const resourceVersion = await revisionOfServices(plain.api);
      await addServices(plain.api, 'one', 'two', 'three');
      const { body: page } = await plain.api.request<{ metadata: { continue: string } }>('GET', `${services}?limit=1`);
      await addServices(plain.api, 'four');
      await plain.compact();

      const watch = await plain.api.watch(services, { resourceVersion });
      const event = await watch.find('an error', ({ type }) => type === 'ERROR');
      watch.close();
      expect(event).toMatchObject(expired);
      const next = new URLSearchParams({ limit: '1', continue: page.metadata.continue });
      expect(await plain.api.request('GET', `${services}?${next}`)).toMatchObject({
        status: 410,
        body: { reason: 'Expired' },
      });
    } finally {
      await plain.close();
    }
  });
});
