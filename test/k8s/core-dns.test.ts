import { promises as dns } from 'node:dns';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { CoreDns } from './support/core-dns.js';
import { endpointSlice, type SliceEndpoint, service } from './support/objects.js';
import { waitFor } from './support/wait-for.js';

const ports = [{ name: 'grpc', port: 9090 }];
const resolver = new dns.Resolver();
let server: ApiServer;
let coreDns: CoreDns;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, 'shop');
  await server.api.apply(service('shop', 'cart', { ports, spec: { clusterIP: 'None' } }));
  await writeEndpoints(
    { address: '10.0.0.1', hostname: 'cart-0' },
    { address: '10.0.0.2', hostname: 'cart-1' },
    { address: '10.0.0.3', hostname: 'cart-2', ready: false },
  );
  coreDns = await CoreDns.start(server);
  resolver.setServers([coreDns.address]);
});

afterAll(async () => {
  await coreDns?.close();
  await server?.close();
});

async function writeEndpoints(...endpoints: SliceEndpoint[]): Promise<void> {
  await server.api.apply(endpointSlice('shop', 'cart', { ports, endpoints }));
}

describe('CoreDNS on the API server', () => {
  it('has the ready endpoints of a headless service, by address and by named port', async () => {
    expect((await resolver.resolve4('cart.shop.svc.cluster.local')).sort()).toEqual(['10.0.0.1', '10.0.0.2']);
    const found = await resolver.resolveSrv('_grpc._tcp.cart.shop.svc.cluster.local');
    expect(found.map(({ name, port }) => `${name}:${port}`).sort()).toEqual([
      'cart-0.cart.shop.svc.cluster.local:9090',
      'cart-1.cart.shop.svc.cluster.local:9090',
    ]);
    expect(await resolver.resolve4('cart-1.cart.shop.svc.cluster.local')).toEqual(['10.0.0.2']);
  });

  it('has one address for a service with a cluster IP, which it keeps for as long as it says', async () => {
    const { spec } = await server.api.apply(service('shop', 'orders', { ports }));
    const name = 'orders.shop.svc.cluster.local';
    const answers = () => resolver.resolve4(name, { ttl: true }).catch(() => []);
    await waitFor('the service', async () => (await answers()).length > 0);
    expect(await answers()).toEqual([{ address: expect.stringMatching(/^10\.96\./), ttl: 5 }]);
    expect(spec).toMatchObject({ clusterIP: (await answers())[0]?.address });
  });

  it('sees endpoints come and go', async () => {
    await writeEndpoints({ address: '10.0.0.2', hostname: 'cart-1' }, { address: '10.0.0.9', hostname: 'cart-3' });
    const now = async () => (await resolver.resolve4('cart.shop.svc.cluster.local')).sort().join();
    await waitFor('the change', async () => (await now()) === '10.0.0.2,10.0.0.9');
    await expect(resolver.resolve4('cart-0.cart.shop.svc.cluster.local')).rejects.toThrow('ENOTFOUND');
  });
});
