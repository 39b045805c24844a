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
import { ApiServer } from './support/api-server.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { serviceAccount } from './support/objects.js';
import { waitFor } from './support/wait-for.js';

const secret = { namespace: 'mesh', name: 'inmesh-ca' };
const open: { close(): unknown }[] = [];
let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, secret.namespace);
});

afterAll(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  await server?.close();
});

it('an authority in a Secret is one for all config servers, through a change of its root', async () => {
  const folder = new ConfigFolder();
  open.push(folder);
  const lines: string[] = [];
  const log = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const cluster = findCluster({ kubeconfig: server.kubeconfig });
  const start = async (): Promise<ControlPlane> => {
    const started = await startControlPlane({
      ...{ config: [folder.path], logger: { info: log, warn: log, error: log } },
      ...{ xdsPort: 0, metricsPort: 0, debugPort: 0, ca: { secret, cluster, tlsPort: 0 } },
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
  const again = start();
  await expect(again).rejects.toThrow('the Secret mesh/inmesh-ca cannot be used: GET');
  await server.start();
  const third = await start();
  expect(third.authority?.roots.join('')).toBe(roots()[0]);
  expect(lines.join('\n')).not.toContain('PRIVATE KEY');
  const stdout = await server.kubectl('get', 'secret', 'inmesh-ca', '--namespace', 'mesh', '--output', 'json');
  const kept = JSON.parse(stdout) as { type: string; data: Record<string, string>; metadata: { annotations?: object } };
  expect(kept).toMatchObject({ type: 'Opaque' });
  expect(Object.keys(kept.data)).toEqual(['authority.json']);
  expect(kept.metadata.annotations ?? {}).toEqual({});
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
