import { createMesh, type Mesh, MeshError } from 'inmesh';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterMessage, listenerMessage } from '../../packages/xds/test/fixtures.js';
import { type Backend, startBackend } from '../support/backends.js';
import { RawXdsServer, type XdsVariant } from '../support/raw-xds-server.js';
import { type XdsService, xdsService } from '../support/xds-shop.js';

let server: RawXdsServer;
let backend: Backend;
let mesh: Mesh;
let shop: XdsService;
let cart: XdsService;

async function start(variant: XdsVariant): Promise<void> {
  backend = await startBackend('shop', 'v1');
  server = await new RawXdsServer(variant).start();
  [shop, cart] = [xdsService('shop', backend.port), xdsService('cart', backend.port)];
  serve({});
  mesh = await createMesh({ xds: server.uri });
  await mesh.ready();
}

/** The service `shop`, and of `cart` what is given here instead of what is right. */
function serve(wrong: Partial<XdsService>): void {
  const { cluster, endpoint, listener, route } = { ...cart, ...wrong };
  server.set('cluster', [shop.cluster, cluster]);
  server.set('endpoint', [shop.endpoint, endpoint]);
  server.set('route', [shop.route, route]);
  server.set('listener', [shop.listener, listener]);
}

afterEach(async () => {
  await mesh.close();
  server.kill();
  await backend.close();
});

const get = (name: string) =>
  mesh.fetch(`http://${name}/`).then(
    (response) => response.text(),
    (error) => MeshError.find(error),
  );

const badCluster = clusterMessage('cart', { connectTimeout: {} });
const authority = 'cart.default.svc.cluster.local:80';

describe.each(['incremental', 'state of the world'] as const)('a resource that cannot be used (%s)', (variant) => {
  beforeEach(() => start(variant));

  it('leaves its last good version in use, and the status tells of it', async () => {
    expect(await get('cart')).toBe('v1');
    serve({ cluster: badCluster });
    await expect
      .poll(() => mesh.status().resourceProblems)
      .toMatchObject([
        { kind: 'cluster', name: 'cart', reason: 'connect_timeout: must be more than zero', servesLastGood: true },
      ]);
    expect(await get('cart')).toBe('v1');
    expect(mesh.explain('http://cart/').problems).toEqual([
      'the cluster "cart" is in use in an earlier version: connect_timeout: must be more than zero',
    ]);
  });

  it('fails the calls that need it where no version was ever good, with the resource and the field', async () => {
    server.set('listener', [shop.listener]);
    server.set('cluster', [shop.cluster]);
    await expect.poll(() => [...mesh.snapshots.current.clusters.keys()]).toEqual(['shop']);
    serve({ cluster: badCluster });
    await expect
      .poll(() => get('cart'))
      .toMatchObject({
        reason: 'no_cluster',
        httpStatus: 503,
        message: 'the cluster "cart" cannot be used: connect_timeout: must be more than zero',
      });
    serve({ listener: listenerMessage(authority, authority, { httpFilters: [] }) });
    server.set('listener', [shop.listener]);
    serve({ listener: listenerMessage(authority, authority, { httpFilters: [] }) });
    await expect
      .poll(() => get('cart'))
      .toMatchObject({
        reason: 'no_route',
        httpStatus: 503,
        message: expect.stringMatching(/^the listener "cart\..*:80" cannot be used: .*http_filters: is empty/),
      });
    expect(await get('shop')).toBe('v1');
  });

  it('comes back to life, the same as before it was deleted', async () => {
    server.set('listener', [shop.listener]);
    server.set('route', [shop.route]);
    server.set('cluster', [shop.cluster]);
    server.set('endpoint', [shop.endpoint]);
    await expect.poll(() => [...mesh.snapshots.current.listeners.keys()]).toHaveLength(1);
    serve({});
    await expect.poll(() => mesh.snapshots.current.clusters.get('cart')?.endpoints.length).toBe(1);
    await expect.poll(() => get('cart')).toBe('v1');
    expect(mesh.status().resourceProblems).toEqual([]);
  });
});
