import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { installCrds, removeCrds } from './support/crds.js';
import { listPath } from './support/resource-path.js';

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, 'shop');
});

afterAll(() => server?.close());

const metadata = { name: 'reviews', namespace: 'shop' };

function virtualService(weight: unknown) {
  const route = [{ destination: { host: 'reviews', subset: 'v1' }, weight }];
  const spec = { hosts: ['reviews'], http: [{ route }] };
  return { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata, spec };
}

function httpRoute(port: number) {
  const spec = {
    parentRefs: [{ group: '', kind: 'Service', name: 'reviews' }],
    rules: [{ backendRefs: [{ name: 'v1', port }] }],
  };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata, spec };
}

describe('the CRDs of other projects', () => {
  it('of Istio are served, and say no to what their schema says no to', async () => {
    await installCrds(server, 'istio');
    expect(await server.api.apply(virtualService(90))).toMatchObject({ spec: virtualService(90).spec });
    await expect(server.api.apply(virtualService('most'))).rejects.toThrow('weight: expected numeric');
    const kinds = ['DestinationRule', 'ServiceEntry', 'Sidecar', 'Gateway'];
    for (const kind of kinds) {
      expect(await server.api.request('GET', listPath('networking.istio.io/v1', kind))).toMatchObject({ status: 200 });
    }
    for (const kind of ['AuthorizationPolicy', 'PeerAuthentication', 'RequestAuthentication']) {
      expect(await server.api.request('GET', listPath('security.istio.io/v1', kind))).toMatchObject({ status: 200 });
    }
  });

  it('of the Gateway API are served, and gone when they are removed', async () => {
    const routes = listPath('gateway.networking.k8s.io/v1', 'HTTPRoute', 'shop');
    expect(await server.api.request('GET', routes)).toMatchObject({ status: 404 });
    await installCrds(server, 'gateway-api');
    await server.api.apply(httpRoute(80));
    await expect(server.api.apply(httpRoute(70_000))).rejects.toThrow('65535');
    for (const kind of ['GRPCRoute', 'Gateway', 'BackendTLSPolicy']) {
      const path = listPath('gateway.networking.k8s.io/v1', kind);
      expect(await server.api.request('GET', path)).toMatchObject({ status: 200 });
    }

    await removeCrds(server, 'gateway-api');
    expect(await server.api.request('GET', routes)).toMatchObject({ status: 404 });
  });
});
