import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMesh } from 'inmesh';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import { type DeployedServer, startDeployed } from './support/deployed-server.js';
import { applyAll, findObject, kustomize } from './support/manifests.js';
import { service, serviceAccount } from './support/objects.js';
import { waitFor } from './support/wait-for.js';

const folder = mkdtempSync(join(tmpdir(), 'inmesh-deployed-'));
let server: ApiServer;
let deployed: DeployedServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await installCrds(server, 'istio');
  await installCrds(server, 'gateway-api');
  const base = await kustomize(server, 'base');
  const wanted = ['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];
  for (const kind of [...wanted, 'ValidatingWebhookConfiguration']) {
    for (const object of base.filter((one) => one.kind === kind)) await server.api.apply(object);
  }
  await makeNamespace(server.api, 'shop');
  await server.api.apply(serviceAccount('shop', 'reviews'));
  await server.api.apply(service('shop', 'reviews', { ports: [{ name: 'http', port: 80 }] }));
  const token = await serviceAccountToken(server.api, 'inmesh-system', 'inmesh');
  deployed = await startDeployed(server, token, folder);
});

afterAll(async () => {
  await deployed?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function rootsIn(namespace: string): Promise<string | undefined> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/inmesh-ca-root-cert`;
  const { body } = await server.api.request<{ data?: Record<string, string> }>('GET', path);
  return body.data?.['root-cert.pem'];
}

it('is ready with nothing but the rights of its manifests', async () => {
  const ready = async () => (await fetch(`http://${deployed.addresses.metrics}/ready`)).status === 200;
  await waitFor('readiness', ready, { log: deployed.log });
  expect(deployed.log()).not.toMatch(/forbidden|with the rule|may not/i);
});

it('tells every namespace its root, also one that comes later', async () => {
  await waitFor('the roots', async () => (await rootsIn('shop')) !== undefined, { log: deployed.log });
  const roots = await rootsIn('shop');
  expect(roots).toContain('BEGIN CERTIFICATE');
  await makeNamespace(server.api, 'later');
  await waitFor('the roots', async () => (await rootsIn('later')) === roots, { log: deployed.log });
  expect(await rootsIn('kube-system')).toBeUndefined();
  const { body } = await server.api.request<{ data: Record<string, string> }>(
    'GET',
    '/api/v1/namespaces/inmesh-system/secrets/inmesh-ca',
  );
  expect(Object.keys(body.data)).toEqual(['authority.json']);
});

it('mends the root that somebody has deleted or changed', async () => {
  const roots = await rootsIn('shop');
  const path = '/api/v1/namespaces/shop/configmaps/inmesh-ca-root-cert';
  await server.api.request('DELETE', path);
  await waitFor('the deleted roots', async () => (await rootsIn('shop')) === roots, { log: deployed.log });
  const body = { data: { 'root-cert.pem': 'of others' } };
  await server.api.request('PATCH', path, body, { contentType: 'application/merge-patch+json' });
  await waitFor('the changed roots', async () => (await rootsIn('shop')) === roots, { log: deployed.log });
});

it('writes its root into the webhook of its manifests', async () => {
  const bundles = async () => {
    const name = findObject(await kustomize(server, 'base'), 'ValidatingWebhookConfiguration').metadata.name;
    const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`;
    const { body } = await server.api.request<{ webhooks: { clientConfig: { caBundle?: string } }[] }>('GET', path);
    return body.webhooks.map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? '', 'base64').toString());
  };
  const roots = await rootsIn('shop');
  await waitFor('the roots', async () => (await bundles()).every((bundle) => bundle === roots), { log: deployed.log });
});

it('has the API server refuse what is wrong, and warn of what names nothing in the cluster', async () => {
  const configuration = findObject(await kustomize(server, 'base'), 'ValidatingWebhookConfiguration');
  // The address of its Service leads nowhere without a network.
  const clientConfig = { url: `https://${deployed.addresses.webhook}/validate` };
  const webhooks = (configuration.webhooks as object[]).map((webhook) => ({ ...webhook, clientConfig }));
  await server.api.apply({ ...configuration, webhooks });
  const virtualService = (retryOn: string) => ({
    ...{
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'reviews', namespace: 'shop' },
    },
    spec: {
      hosts: ['reviews'],
      http: [{ retries: { attempts: 2, retryOn }, route: [{ destination: { host: 'reviews', subset: 'v2' } }] }],
    },
  });
  const apply = (retryOn: string) =>
    applyAll(server, [virtualService(retryOn)], '--dry-run=server').catch((error: { stderr: string }) => error.stderr);
  await waitFor('a refusal', async () => (await apply('5xxx')).includes('"5xxx" is neither a condition'), {
    log: deployed.log,
  });
  expect(await apply('5xx')).toContain(
    'Warning: spec.http[0].route[0].destination.subset: no DestinationRule has the subset "v2" of reviews.shop.svc.cluster.local',
  );
});

it('gives a workload its certificate and configuration for what its pod mounts', async () => {
  const token = join(folder, 'token');
  writeFileSync(token, await serviceAccountToken(server.api, 'shop', 'reviews', { audiences: ['istio-ca'] }));
  const roots = join(folder, 'root-cert.pem');
  writeFileSync(roots, (await rootsIn('shop'))!);
  const mesh = await createMesh({
    ...{ namespace: 'shop', xds: `tls://${deployed.addresses.tls}` },
    identity: { authority: deployed.addresses.tls!, roots, token: { file: token } },
  });
  try {
    await waitFor('the configuration', () => JSON.stringify(mesh.status()).includes('reviews'), { log: deployed.log });
    expect(mesh.status().identity).toMatchObject({ spiffeId: 'spiffe://cluster.local/ns/shop/sa/reviews' });
  } finally {
    await mesh.close();
  }
});

it('ends in order and gives its leases back', async () => {
  await deployed.close();
  const path = '/apis/coordination.k8s.io/v1/namespaces/inmesh-system/leases';
  const { body } = await server.api.request<{ items: { spec: { holderIdentity: string } }[] }>('GET', path);
  expect(body.items.length).toBeGreaterThan(0);
  for (const { spec } of body.items) expect(spec.holderIdentity).toBe('');
});
