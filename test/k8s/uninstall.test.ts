import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import { startDeployed } from './support/deployed-server.js';
import { virtualService } from './support/istio-objects.js';
import { findObject, k8sFolder, kustomize } from './support/manifests.js';
import { service } from './support/objects.js';
import { peer } from './support/peers.js';
import { waitFor } from './support/wait-for.js';

const folder = mkdtempSync(join(tmpdir(), 'inmesh-uninstall-'));
let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await installCrds(server, 'istio');
  const base = await kustomize(server, 'base');
  await server.api.apply(findObject(base, 'Namespace'));
  for (const kind of ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']) {
    for (const object of base.filter((one) => one.kind === kind)) await server.api.apply(object);
  }
  await makeNamespace(server.api, 'shop');
  await server.api.apply(service('shop', 'reviews', { ports: [{ name: 'http', port: 80 }] }));
  await server.api.apply(virtualService('shop', 'reviews', { v1: 100 }));
});

afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Of the block of `k8s/README.md` that takes away what stays. */
function commands(): string {
  const readme = readFileSync(join(k8sFolder, 'README.md'), 'utf8');
  const blocks = readme.split('```').filter((block) => block.includes('delete secret/'));
  expect(blocks).toHaveLength(1);
  return blocks[0]!;
}

async function run(script: string): Promise<void> {
  symlinkSync(await peer('kubectl'), join(folder, 'kubectl'));
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env.PATH}`,
    KUBECONFIG: server.kubeconfigOf(server.adminToken),
  };
  await promisify(execFile)('bash', ['-c', script], { env: { ...env, HOME: folder } });
}

interface Listed {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly status?: object;
  }[];
}

/** What the config server has written by itself, as `KIND NAMESPACE/NAME`. */
async function written(): Promise<string[]> {
  const all = ['secrets', 'leases.coordination.k8s.io', 'configmaps', 'virtualservices.networking.istio.io'].map(
    async (kind) => {
      const { items } = JSON.parse(await server.kubectl('get', kind, '-A', '--output=json')) as Listed;
      const ours = items.filter(({ metadata, status }) => metadata.name.startsWith('inmesh') || status !== undefined);
      return ours.map(({ metadata: { namespace, name } }) => `${kind.split('.')[0]} ${namespace}/${name}`);
    },
  );
  return (await Promise.all(all)).flat().sort();
}

it('The commands in the README take away all that the config server has written', async () => {
  const token = await serviceAccountToken(server.api, 'inmesh-system', 'inmesh');
  const deployed = await startDeployed(server, token, folder);
  const left = [
    'configmaps default/inmesh-ca-root-cert',
    'configmaps inmesh-system/inmesh-ca-root-cert',
    'configmaps shop/inmesh-ca-root-cert',
    'leases inmesh-system/inmesh-roots',
    'leases inmesh-system/inmesh-status',
    'secrets inmesh-system/inmesh-ca',
    'virtualservices shop/reviews',
  ];
  try {
    await waitFor('all of it', async () => (await written()).length === left.length, { log: deployed.log });
  } finally {
    await deployed.close();
  }
  expect(await written()).toEqual(left);
  await run(commands());
  expect(await written()).toEqual([]);
});
