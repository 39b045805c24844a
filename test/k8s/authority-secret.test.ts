import {
  type ControlPlane,
  findCluster,
  openClient,
  requestSecretRotation,
  startControlPlane,
} from '@inmesh/control-plane';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenReview } from '../../packages/control-plane/src/ca/authenticators/token-review.js';
import { ConfigFolder } from '../support/config-folder.js';
import { freePorts } from '../support/free-ports.js';
import { ApiServer } from './support/api-server.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { serviceAccount } from './support/objects.js';
import { waitFor } from './support/wait-for.js';

interface ConfigMap {
  readonly data?: Readonly<Record<string, string>>;
}

const secret = { namespace: 'mesh', name: 'inmesh-ca' };
const open: { close(): unknown }[] = [];
let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, secret.namespace);
});

afterAll(async () => {
  await closeAll();
  await server?.close();
});

/** Servers of one namespace elect one who makes the roots known. */
async function closeAll(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close();
}

it('an authority in a Secret is one for all config servers, through a change of its root', async () => {
  const folder = new ConfigFolder();
  open.push(folder);
  const lines: string[] = [];
  const log = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const cluster = findCluster({ kubeconfig: server.kubeconfig });
  const ca = { secret, cluster, tlsPort: 0, rootsConfigMap: 'mesh-roots' };
  const start = async ({ metricsPort = 0 } = {}): Promise<ControlPlane> => {
    const started = await startControlPlane({
      ...{ config: [folder.path], logger: { info: log, warn: log, error: log } },
      ...{ xdsPort: 0, metricsPort, debugPort: 0, ca },
    });
    open.push(started);
    return started;
  };
  const servers = await Promise.all([start(), start()]);
  const roots = () => servers.map(({ authority }) => authority?.roots.join(''));
  expect(roots()[0]).toContain('BEGIN CERTIFICATE');
  expect(roots()[1]).toBe(roots()[0]);

  const client = openClient(findCluster({ kubeconfig: server.kubeconfig }));
  open.push(client);
  await requestSecretRotation(client, secret, Date.now());
  await waitFor('both roots', () => servers.every(({ authority }) => authority?.roots.length === 2));
  expect(roots()[1]).toBe(roots()[0]);

  // An outage is no end: the last state signs on.
  await server.stop();
  await waitFor('word of the outage', () => lines.some((line) => line.includes('cannot be renewed')));
  expect(roots()[1]).toBe(roots()[0]);
  // Who begins meanwhile waits, and says why.
  const [metricsPort = 0] = await freePorts(1);
  const beginning = start({ metricsPort });
  const page = async (name: string) => await fetch(`http://127.0.0.1:${metricsPort}/${name}`);
  const why = 'waiting for the certificate authority: the Secret mesh/inmesh-ca cannot be used: GET';
  await waitFor('why it waits', async () => (await (await page('ready')).text()).includes(why));
  expect((await page('ready')).status).toBe(503);
  expect((await page('healthz')).status).toBe(200);
  await server.start();
  const third = await beginning;
  await waitFor('the third to be ready', async () => (await page('ready')).status === 200);
  expect(third.authority?.roots.join('')).toBe(roots()[0]);
  const rootsOf = async () =>
    await server.api.request<ConfigMap>('GET', '/api/v1/namespaces/mesh/configmaps/mesh-roots');
  await waitFor('our roots in the cluster', async () => (await rootsOf()).body.data?.['root-cert.pem'] === roots()[0]);
  expect(lines.join('\n')).not.toContain('PRIVATE KEY');
  const stdout = await server.kubectl('get', 'secret', 'inmesh-ca', '--namespace', 'mesh', '--output', 'json');
  const kept = JSON.parse(stdout) as { type: string; data: Record<string, string>; metadata: { annotations?: object } };
  expect(kept).toMatchObject({ type: 'Opaque' });
  expect(Object.keys(kept.data)).toEqual(['authority.json']);
  expect(kept.metadata.annotations ?? {}).toEqual({});
  await closeAll();
});

it('a Secret that is removed while a server begins changes the root by a plan, with both trusted meanwhile', async () => {
  const folder = new ConfigFolder();
  open.push(folder);
  const lines: string[] = [];
  const log = (message: string) => lines.push(message);
  const cluster = findCluster({ kubeconfig: server.kubeconfig });
  const removed = { namespace: 'mesh', name: 'removed-ca' };
  const ca = { secret: removed, cluster, tlsPort: 0, rootsConfigMap: 'removed-ca-roots' };
  const start = async (): Promise<ControlPlane> => {
    const started = await startControlPlane({
      ...{ config: [folder.path], logger: { info: log, warn: log, error: log } },
      ...{ xdsPort: 0, metricsPort: 0, debugPort: 0, ca },
    });
    open.push(started);
    return started;
  };
  const rootsOf = ({ authority }: ControlPlane) => authority?.roots ?? [];
  const running = [await start(), await start()];
  const [before = ''] = rootsOf(running[0]!);
  await server.kubectl('delete', 'secret', removed.name, '--namespace', 'mesh');
  const third = await start();
  const [made = ''] = rootsOf(third);
  expect(made).not.toBe(before);
  const both = [before, made];
  const servers = [...running, third];
  await waitFor('both roots', () => servers.every((one) => rootsOf(one).join('') === both.join('')));
  expect(lines.filter((line) => line.includes('does not know our root'))).not.toEqual([]);
  const published = async () => {
    const path = '/api/v1/namespaces/mesh/configmaps/removed-ca-roots';
    const { body } = await server.api.request<{ data?: Record<string, string> }>('GET', path);
    return body.data?.['root-cert.pem'];
  };
  await waitFor('the roots to be made known', async () => (await published()) === both.join(''));
});

it('a service account token proves its workload to the authority, for the right audience alone', async () => {
  await server.api.apply(serviceAccount('mesh', 'reviews'));
  const client = openClient(findCluster({ kubeconfig: server.kubeconfig }));
  open.push(client);
  const authenticator = tokenReview({ client, audiences: ['istio-ca'], trustDomain: 'cluster.local' });
  const judge = async (audience: string) => {
    const bearer = await serviceAccountToken(server.api, 'mesh', 'reviews', { audiences: [audience] });
    return await authenticator.authenticate({ bearer, certificate: undefined });
  };
  expect(await judge('istio-ca')).toMatchObject({
    ok: true,
    identity: { spiffeId: 'spiffe://cluster.local/ns/mesh/sa/reviews' },
  });
  expect(await judge('another')).toMatchObject({ ok: false, reason: 'bad_token' });
});
