import { type ControlPlane, findCluster, startControlPlane } from '@inmesh/control-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import type { KubernetesObject } from './support/resource-path.js';
import { waitFor } from './support/wait-for.js';

const open: { close(): unknown }[] = [];
const configuration = 'inmesh-validator';
let server: ApiServer;
let controlPlane: ControlPlane;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, 'shop');
  await installCrds(server, 'istio');
  await installCrds(server, 'gateway-api');
  const folder = new ConfigFolder();
  open.push(folder);
  folder.write(
    'service.yaml',
    'apiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n',
  );
  controlPlane = await startControlPlane({
    ...{ config: [folder.path], logger: { info() {}, warn() {}, error() {} } },
    ...{ xdsPort: 0, metricsPort: 0, debugPort: 0, webhook: { port: 0, configuration } },
    ca: { cluster: findCluster({ kubeconfig: server.kubeconfig }), tlsPort: 0, phaseMs: 1000 },
  });
  open.push(controlPlane);
  await server.api.apply(webhookConfiguration());
  // Before our root is in it, the API server may not trust us, and with `Ignore` it would ask nobody.
  await waitFor('a refusal', async () => (await apply(virtualService({ retryOn: '5xxx' }))).status === 422);
});

afterAll(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  await server?.close();
});

function webhookConfiguration() {
  const rule = (apiGroups: string[]) => ({
    ...{ apiGroups, apiVersions: ['*'], resources: ['*'] },
    ...{ operations: ['CREATE', 'UPDATE'], scope: 'Namespaced' },
  });
  const webhook = {
    ...{ name: 'validation.inmesh.io', admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Ignore' },
    clientConfig: { url: `https://${controlPlane.addresses.webhook}/validate` },
    rules: [rule(['networking.istio.io', 'security.istio.io', 'gateway.networking.k8s.io'])],
  };
  const kind = 'ValidatingWebhookConfiguration';
  return {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: configuration } },
    webhooks: [webhook],
  };
}

function virtualService({ name = 'reviews', host = 'reviews', retryOn = '5xx' } = {}): KubernetesObject {
  return {
    ...{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name, namespace: 'shop' } },
    spec: { hosts: [host], http: [{ retries: { attempts: 2, retryOn }, route: [{ destination: { host } }] }] },
  };
}

async function apply(object: KubernetesObject) {
  const path = `/apis/${object.apiVersion}/namespaces/shop/virtualservices?dryRun=All`;
  return await server.api.request<{ message: string }>('POST', path, object);
}

/** What kubectl says on stderr. */
async function refusal(object: KubernetesObject): Promise<string> {
  const folder = new ConfigFolder();
  open.push(folder);
  folder.write('object.json', JSON.stringify(object));
  return await server.kubectl('apply', '--filename', folder.path).then(
    () => 'applied',
    (error: { stderr: string }) => error.stderr,
  );
}

describe('kubectl apply', () => {
  it('of a wrong VirtualService is refused with the field and what to do', async () => {
    const said = await refusal(virtualService({ retryOn: '5xxx' }));
    expect(said).toContain(
      'admission webhook "validation.inmesh.io" denied the request: spec.http[0].retries.retryOn: "5xxx" is neither a condition nor a status code (did you mean "5xx"?)',
    );
  });

  it('of wrong objects of the other kinds is refused', async () => {
    const metadata = { name: 'wrong', namespace: 'shop' };
    const rules = [
      { backendRefs: [{ name: 'reviews', port: 80 }] },
      { matches: [{ path: { type: 'RegularExpression', value: '(' } }] },
    ];
    const parentRefs = [{ group: '', kind: 'Service', name: 'reviews' }];
    const route = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata,
      spec: { parentRefs, rules },
    };
    expect(await refusal(route)).toContain('denied the request: spec.rules[1].matches[0].path.value: "("');
    const matches = [{ method: { type: 'RegularExpression', service: '(' } }];
    const ofGrpc = { ...route, kind: 'GRPCRoute', spec: { parentRefs, rules: [{ matches }] } };
    expect(await refusal(ofGrpc)).toContain('denied the request: spec.rules[0].matches[0].method.service: "("');
    const policy = {
      ...{ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata },
      spec: { action: 'DENY', rules: [{ when: [{ key: 'request.header[x]', values: ['a'] }] }] },
    };
    expect(await refusal(policy)).toContain('denied the request: spec.rules[0].when[0].key: ');
  });

  it('of a right one passes, in a version of old too', async () => {
    expect(await refusal(virtualService())).toBe('applied');
    expect(await refusal({ ...virtualService({ name: 'old' }), apiVersion: 'networking.istio.io/v1alpha3' })).toBe(
      'applied',
    );
  });

  it('of one that names what is not there passes, with a warning', async () => {
    const folder = new ConfigFolder();
    open.push(folder);
    folder.write('object.json', JSON.stringify(virtualService({ name: 'early', host: 'later' })));
    const warning =
      'Warning: spec.http[0].route[0].destination.host: no Service and no ServiceEntry has the host "later.shop';
    const strict = await server
      .kubectl('apply', '--warnings-as-errors', '--filename', folder.path)
      .catch((error) => error);
    expect(strict.stderr).toContain(warning);
    expect(await server.kubectl('get', 'virtualservice', 'early', '--namespace=shop', '--output=name')).toContain(
      'early',
    );
  });
});

it('our roots stay in the configuration through a change of them, and through an apply of it', async () => {
  const authority = controlPlane.authority!;
  const bundle = async () => {
    const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${configuration}`;
    const { body } = await server.api.request<{ webhooks: { clientConfig: { caBundle: string } }[] }>('GET', path);
    return Buffer.from(body.webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
  };
  const [first] = authority.roots;
  await authority.rotate();
  await waitFor('both roots', async () => (await bundle()) === authority.roots.join(''));
  await waitFor('the new root alone', () => authority.roots.length === 1 && authority.roots[0] !== first);
  await waitFor('the new root', async () => (await bundle()) === authority.roots[0]);
  await server.api.apply(webhookConfiguration());
  expect(await bundle()).toBe(authority.roots[0]);
  expect(await refusal(virtualService({ retryOn: '5xxx' }))).toContain('spec.http[0].retries.retryOn');

  await server.api.remove(webhookConfiguration());
  await server.api.apply(webhookConfiguration());
  await waitFor('the root in a new configuration', async () => (await bundle()) === authority.roots[0]);
});
