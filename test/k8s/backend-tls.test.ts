import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Mesh } from 'inmesh';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificates.js';
import { bindRules } from './support/bind-rules.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import { hostAddress } from './support/host-address.js';
import { endpointSlice, service, serviceAccount } from './support/objects.js';
import { pathOf } from './support/resource-path.js';
import { type ServedCluster, serveCluster } from './support/serve-cluster.js';
import { namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';

const hostname = 'bank.example';
let shop: ShopMesh;
let served: ServedCluster;
let mesh: Mesh;

function authority(name: string) {
  const root = makeCertificate({ hosts: [name], isCa: true, keyUsage: ['keyCertSign'] });
  const identity = makeCertificate({ hosts: [hostname], issuer: { hosts: [name], keyObject: root.keyObject } });
  return { certificate: root.certificate, identity: { cert: identity.certificate, key: identity.key } };
}

const [first, second] = [authority('first'), authority('second')];
const server = createServer(first.identity, (_req, res) => void res.setHeader('connection', 'close').end('done'));

beforeAll(async () => {
  server.on('tlsClientError', () => {});
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  shop = await ShopMesh.start({ crds: false });
  const { api } = shop.server;
  await makeNamespace(api, 'mesh');
  await api.apply(serviceAccount('mesh', 'inmesh'));
  await bindRules(api, 'mesh', 'inmesh');
  const ports = [{ name: 'http', port: 80 }];
  await api.apply(service(namespace, 'bank', { ports, spec: { selector: undefined } }));
  const slicePorts = [{ name: 'http', port }];
  await api.apply(endpointSlice(namespace, 'bank', { ports: slicePorts, endpoints: [{ address: hostAddress() }] }));
  const token = await serviceAccountToken(shop.server.api, 'mesh', 'inmesh');
  served = shop.keep(await serveCluster(shop.server.kubeconfigOf(token, shop.server.url, 'mesh')));
  mesh = await shop.client(served);
});

afterAll(async () => {
  await shop?.close();
  server.closeAllConnections();
  server.close();
});

function policy(name = 'bank') {
  const spec = {
    targetRefs: [{ group: '', kind: 'Service', name: 'bank' }],
    validation: { hostname, caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'bank-ca' }] },
  };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'BackendTLSPolicy', metadata: { name, namespace }, spec };
}

function configMap(name: string, data: Readonly<Record<string, string>>) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

async function answer(): Promise<string> {
  try {
    const response = await mesh.fetch('http://bank/');
    return `${response.status} ${await response.text()}`;
  } catch (error) {
    return String((error as Error & { cause?: Error }).cause?.message ?? error);
  }
}

async function statusOf(name = 'bank'): Promise<string> {
  const { body } = await shop.server.api.request('GET', pathOf(policy(name)));
  const { generation } = body.metadata;
  type Entry = { controllerName: string; ancestorRef: { name: string }; conditions: Record<string, unknown>[] };
  const entries = ((body.status as { ancestors?: Entry[] })?.ancestors ?? []).map(
    ({ controllerName, ancestorRef, conditions }) => {
      const current = conditions.filter(({ observedGeneration }) => observedGeneration === generation);
      const said = current.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
      return `${controllerName} ${ancestorRef.name}: ${said.join(', ')}`;
    },
  );
  return entries.join('; ');
}

const ours = 'inmesh.io/config-server bank:';

async function configMapsOf({ addresses: { debug } }: ServedCluster): Promise<string> {
  const dump = (await (await fetch(`http://${debug}/debug/config_dump`)).json()) as { secrets: { name: string }[] };
  return dump.secrets.map(({ name }) => name).join();
}

it('a BackendTLSPolicy and its ConfigMap decide how a Service is connected to, from when their CRD is there', async () => {
  const { api } = shop.server;
  const plain = await answer();
  expect(plain).not.toContain('200');
  await installCrds(shop.server, 'gateway-api');
  await api.apply(configMap('bank-ca', { 'ca.crt': first.certificate }));
  await api.apply(configMap('another', { 'ca.crt': second.certificate }));
  await api.apply(policy());
  await waitFor('TLS', async () => (await answer()) === '200 done');
  const good = `${ours} Accepted True Accepted, ResolvedRefs True ResolvedRefs`;
  await waitFor('the status', async () => (await statusOf()) === good);
  expect(await configMapsOf(served)).toBe('configmap://shop/bank-ca');

  // Another authority signs from now on.
  server.setSecureContext(second.identity);
  expect(await answer()).toContain('unable to verify');
  await api.apply(configMap('bank-ca', { 'ca.crt': second.certificate }));
  await waitFor('the new authority', async () => (await answer()) === '200 done');

  await api.apply(configMap('bank-ca', { 'ca.crt': 'nothing' }));
  await waitFor('a refusal', async () => (await answer()).includes('has no certificate in PEM'));
  const none = `${ours} Accepted False NoValidCACertificate, ResolvedRefs False InvalidCACertificateRef`;
  await waitFor('the status', async () => (await statusOf()) === none);
  await api.remove(configMap('bank-ca', {}));
  await waitFor('another refusal', async () => (await answer()).includes('there is no ConfigMap "bank-ca"'));

  await api.apply(configMap('bank-ca', { 'ca.crt': second.certificate }));
  await waitFor('TLS again', async () => (await answer()) === '200 done');
  await waitFor('the status', async () => (await statusOf()) === good);

  await api.apply(policy('younger'));
  const lost = `${ours} Accepted False Conflicted, ResolvedRefs True ResolvedRefs`;
  await waitFor('the conflict', async () => (await statusOf('younger')) === lost);
  await api.remove(policy());
  await waitFor('its turn', async () => (await statusOf('younger')) === good);
  expect(await answer()).toBe('200 done');

  const fresh = shop.keep(await serveCluster(shop.server.kubeconfig));
  expect(await configMapsOf(fresh)).toBe('configmap://shop/bank-ca');
  await api.remove(policy('younger'));
  await waitFor('no secret', async () => (await configMapsOf(served)) === '');
});
