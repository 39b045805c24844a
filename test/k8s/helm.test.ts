import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { applyAll, findObject, k8sFolder, kustomize, objectsOf, templateOf } from './support/manifests.js';
import { podMonitorDefinition } from './support/pod-monitor.js';
import type { KubernetesObject } from './support/resource-path.js';

const run = promisify(execFile);
const chart = join(k8sFolder, 'chart/inmesh');
let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await server.api.apply(podMonitorDefinition);
  for (const name of ['inmesh-system', 'mesh', 'shop', 'bank', 'istio-system']) await makeNamespace(server.api, name);
});

afterAll(() => server?.close());

async function template(namespace = 'inmesh-system', ...flags: string[]): Promise<KubernetesObject[]> {
  return objectsOf(await server.helm('template', 'inmesh', chart, '--namespace', namespace, ...flags));
}

describe('The Helm chart', () => {
  it('is what the Kustomize base makes', async () => {
    const script = join(k8sFolder, '../scripts/make-chart.mjs');
    await expect(run(process.execPath, [script, '--check'])).resolves.toMatchObject({ stderr: '' });
  });

  it('says the same as the Kustomize base where no value is given', async () => {
    const key = ({ kind, metadata: { namespace, name } }: KubernetesObject) => `${kind} ${namespace ?? ''}/${name}`;
    const plain = ({ metadata, ...object }: KubernetesObject): [string, object] => {
      const { 'helm.sh/chart': _, 'app.kubernetes.io/managed-by': __, ...labels } = metadata.labels ?? {};
      return [key({ metadata, ...object } as KubernetesObject), { ...object, metadata: { ...metadata, labels } }];
    };
    const base = (await kustomize(server, 'base')).filter(({ kind }) => kind !== 'Namespace');
    expect(Object.fromEntries((await template()).map(plain))).toEqual(Object.fromEntries(base.map(plain)));
  });

  it('passes helm lint', async () => {
    expect(await server.helm('lint', '--strict', chart)).toContain('0 chart(s) failed');
  });

  it.each([
    ['without a value', 'inmesh-system', []],
    [
      'with all values',
      'mesh',
      [
        ...[
          '--set',
          'revision=canary,namespaces={shop,bank},podMonitor.enabled=true,debugService.enabled=true,credentials.enabled=true',
        ],
        ...['--set', 'autoscaling.enabled=false,replicas=3,webhook.failurePolicy=Fail,imagePullSecrets[0].name=pull'],
        ...['--set', 'nodeSelector.pool=system,podAnnotations.team=mesh,tolerations[0].operator=Exists,image.tag=2'],
        ...['--set', 'ca.secret=own,ca.rootsConfigMap=own-roots,ca.trustDomain=shop.test,clusterDomain=shop.local'],
        ...['--set', 'resources.requests.cpu=1,resources.limits.memory=4Gi,maxOldSpaceSize=3072'],
      ],
    ],
    ['without what can be left out', 'mesh', ['--set', 'networkPolicy.enabled=false,webhook.enabled=false']],
  ])('passes kubectl apply --dry-run=server %s', async (_, namespace, flags) => {
    const objects = await template(namespace, ...flags);
    const said = await applyAll(server, objects, '--dry-run=server');
    expect(said.trim().split('\n')).toHaveLength(objects.length);
    const elsewhere = objects.filter((one) => JSON.stringify(one).includes('inmesh-system'));
    if (namespace !== 'inmesh-system') expect(elsewhere).toEqual([]);
  });

  it('gives rights in the namespaces that are named, and in the root namespace, and to another revision names of its own', async () => {
    const objects = await template('mesh', '--set', 'namespaces={shop},revision=canary');
    const bindings = objects.filter(({ kind }) => kind === 'RoleBinding').map(({ metadata }) => metadata.namespace);
    expect(bindings.sort()).toEqual(['istio-system', 'mesh', 'shop']);
    const wide = objects.filter(({ metadata }) => metadata.namespace === undefined);
    expect(wide.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'ClusterRole inmesh-cluster-canary',
      'ClusterRole inmesh-mesh-canary',
      'ClusterRoleBinding inmesh-cluster-canary',
      'ValidatingWebhookConfiguration inmesh-validator-canary',
    ]);
    const { args } = templateOf(findObject(objects, 'Deployment')).spec.containers[0];
    expect(args).toEqual(expect.arrayContaining(['--include-namespaces=shop', '--revision=canary']));
    expect(args).toContain('--webhook-configuration=inmesh-validator-canary');
  });
});
