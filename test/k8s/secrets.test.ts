import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificates.js';
import { bindRules } from './support/bind-rules.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { service, serviceAccount } from './support/objects.js';
import { type ServedCluster, serveCluster } from './support/serve-cluster.js';
import { ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';

let shop: ShopMesh;

beforeAll(async () => {
  shop = await ShopMesh.start();
});

afterAll(() => shop?.close());

function secret(name: string) {
  const { certificate, key } = makeCertificate();
  const data = { 'tls.crt': btoa(certificate), 'tls.key': btoa(key) };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'default' },
    type: 'kubernetes.io/tls',
    data,
  };
}

function ruleWith(credentialName: string) {
  const trafficPolicy = { tls: { mode: 'MUTUAL', credentialName } };
  const metadata = { name: 'bank', namespace: 'default' };
  const apiVersion = 'networking.istio.io/v1';
  return { apiVersion, kind: 'DestinationRule', metadata, spec: { host: 'bank.test', trafficPolicy } };
}

async function secretsOf({ addresses: { debug } }: ServedCluster): Promise<string> {
  const dump = (await (await fetch(`http://${debug}/debug/config_dump`)).json()) as { secrets: { name: string }[] };
  return dump.secrets.map(({ name }) => name).join();
}

it('Secrets are read when a DestinationRule names them, and no others, with a right of their own', async () => {
  const { server } = shop;
  await makeNamespace(server.api, 'default');
  await makeNamespace(server.api, 'mesh');
  await server.api.apply(serviceAccount('mesh', 'inmesh'));
  await bindRules(server.api, 'mesh', 'inmesh');
  for (const name of ['bank', 'other']) await server.api.apply(secret(name));
  await server.api.apply(service('default', 'shop', { ports: [{ port: 80 }] }));
  await server.api.apply(ruleWith('bank'));
  const token = await serviceAccountToken(server.api, 'mesh', 'inmesh');
  const kubeconfig = server.kubeconfigOf(token, server.url, 'mesh');

  const served = shop.keep(await serveCluster(kubeconfig));
  const isReady = async () => (await fetch(`http://${served.addresses.metrics}/ready`)).status === 200;
  await waitFor('a server without secrets', isReady);
  const line = 'not allowed to list secrets: bind the service account to a ClusterRole with the rule';
  await waitFor('word of it', () => served.lines.some((one) => one.includes(line)));
  expect(await secretsOf(served)).toBe('');

  await bindRules(server.api, 'mesh', 'inmesh', { secrets: true });
  await waitFor('the secret', async () => (await secretsOf(served)) === 'kubernetes://bank,kubernetes://default/bank');
  await server.api.apply(ruleWith('other'));
  await waitFor('the other', async () => (await secretsOf(served)) === 'kubernetes://default/other,kubernetes://other');
  const again = shop.keep(await serveCluster(kubeconfig));
  expect(await secretsOf(again)).toBe('kubernetes://default/other,kubernetes://other');
  await server.api.remove(ruleWith('other'));
  await waitFor('none', async () => (await secretsOf(served)) === '');
});
