import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GrpcTestServer, grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { type TestClient, TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { bindRules } from './support/bind-rules.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import { hostAddress } from './support/host-address.js';
import { endpointSlice, service, serviceAccount } from './support/objects.js';
import { pathOf } from './support/resource-path.js';
import { serveCluster } from './support/serve-cluster.js';
import { namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';

let shop: ShopMesh;
let client: TestClient;

beforeAll(async () => {
  shop = await ShopMesh.start({ crds: false });
  for (const name of ['v1', 'v2']) await announce(shop.keep(await grpcServer({ name, host: hostAddress() })));
  const { api } = shop.server;
  await makeNamespace(api, 'mesh');
  await api.apply(serviceAccount('mesh', 'inmesh'));
  await bindRules(api, 'mesh', 'inmesh');
  const token = await serviceAccountToken(api, 'mesh', 'inmesh');
  const served = shop.keep(await serveCluster(shop.server.kubeconfigOf(token, shop.server.url, 'mesh')));
  const mesh = await shop.client(served);
  client = shop.keep(mesh.grpc.client(TestService, 'reviews:80'));
});

afterAll(() => shop?.close());

/** The Service `reviews-v1` of a server of this name, which the Service `reviews` leads to as well. */
async function announce({ name, port }: GrpcTestServer): Promise<void> {
  const { api } = shop.server;
  await api.apply(service(namespace, `reviews-${name}`, { ports: [{ name: 'grpc', port: 9090 }] }));
  const endpoints = [{ address: hostAddress() }];
  for (const [of, portName] of [
    ['reviews', 'http'],
    [`reviews-${name}`, 'grpc'],
  ] as const) {
    const slice = { name: `${of}-of-${name}`, ports: [{ name: portName, port }], endpoints };
    await api.apply(endpointSlice(namespace, of, slice));
  }
}

function route(kind: 'GRPCRoute' | 'HTTPRoute', rules: readonly object[]) {
  const parentRefs = [{ group: '', kind: 'Service', name: 'reviews' }];
  const metadata = { name: 'reviews', namespace };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata, spec: { parentRefs, rules } };
}

const to = (name: string) => ({ backendRefs: [{ name, port: 9090 }] });
const unaryCall = { method: { service: 'grpc.testing.TestService', method: 'UnaryCall' } };

/** Who answers calls, or with which status they fail. */
async function answers(): Promise<string> {
  const results = await Promise.all(Array.from({ length: 20 }, () => unary(client)));
  return [...new Set(results.map(({ response, status }) => response?.username ?? status.code))].sort().join();
}

async function conditionsOf(object: ReturnType<typeof route>): Promise<string> {
  const { body } = await shop.server.api.request('GET', pathOf(object));
  const { parents = [] } = (body.status ?? {}) as {
    parents?: { controllerName: string; conditions: { type: string; status: string; reason: string }[] }[];
  };
  return parents
    .flatMap(({ conditions }) => conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`))
    .join();
}

const good = 'Accepted True Accepted,ResolvedRefs True ResolvedRefs';

describe('a GRPCRoute of a cluster', () => {
  it('is followed as soon as its kind is there, and its status says that it is', async () => {
    await waitFor('both', async () => (await answers()) === 'v1,v2');
    await installCrds(shop.server, 'gateway-api');
    const object = route('GRPCRoute', [
      { matches: [{ method: { service: 'grpc.testing.TestService' } }], ...to('reviews-v1') },
      { matches: [unaryCall], ...to('reviews-v2') },
    ]);
    await shop.server.api.apply(object);
    await waitFor('the route', async () => (await answers()) === 'v2');
    await waitFor('its status', async () => (await conditionsOf(object)) === good);
  });

  it('leads to UNAVAILABLE where its backend is gone, and keeps its last good content when it is broken', async () => {
    const object = route('GRPCRoute', [{ matches: [unaryCall], ...to('gone') }]);
    await shop.server.api.apply(object);
    await waitFor('no backend', async () => (await answers()) === '14');
    await waitFor('its status', async () =>
      (await conditionsOf(object)).endsWith('ResolvedRefs False BackendNotFound'),
    );
    await shop.server.api.apply(route('GRPCRoute', [to('reviews-v1')]));
    await waitFor('a backend', async () => (await answers()) === 'v1');
    const filters = [{ type: 'ExtensionRef', extensionRef: { group: 'a.test', kind: 'A', name: 'a' } }];
    await shop.server.api.apply(route('GRPCRoute', [{ filters, ...to('reviews-v2') }]));
    await waitFor('its status', async () => (await conditionsOf(object)).startsWith('Accepted False UnsupportedValue'));
    expect(await answers()).toBe('v1');
  });

  it('counts before an HTTPRoute of its port, which is told so', async () => {
    const other = route('HTTPRoute', [to('reviews-v2')]);
    await shop.server.api.apply(other);
    await shop.server.api.apply(route('GRPCRoute', [to('reviews-v1')]));
    await waitFor('its status', async () => (await conditionsOf(other)).startsWith('Accepted False Conflicted'));
    expect(await answers()).toBe('v1');
    await shop.server.api.remove(route('GRPCRoute', []));
    await waitFor('the other', async () => (await answers()) === 'v2');
    await waitFor('its status', async () => (await conditionsOf(other)) === good);
  });
});
