import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import { virtualService } from './support/istio-objects.js';
import { applyAll, findObject, k8sFolder, kustomize, objectsOf, templateOf } from './support/manifests.js';
import { kubernetesVersion } from './support/peers.js';
import { podMonitorDefinition } from './support/pod-monitor.js';
import type { KubernetesObject } from './support/resource-path.js';
import { waitFor } from './support/wait-for.js';

const run = promisify(execFile);
const chart = join(k8sFolder, 'chart/inmesh');
let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await server.api.apply(podMonitorDefinition);
  await installCrds(server, 'istio');
  for (const name of ['inmesh-system', 'mesh', 'shop', 'bank', 'istio-system']) await makeNamespace(server.api, name);
});

afterAll(() => server?.close());

async function template(namespace = 'inmesh-system', ...flags: string[]): Promise<KubernetesObject[]> {
  // Helm asks no cluster for this command, and one that is built from its module takes it for 1.20.
  const cluster = ['--kube-version', kubernetesVersion, '--namespace', namespace];
  return objectsOf(await server.helm('template', 'inmesh', chart, ...cluster, ...flags));
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

  it('is for the versions of Kubernetes that have what it needs', async () => {
    const on = (version: string) => template('mesh', '--kube-version', version);
    await expect(on('1.29.14')).rejects.toThrow('chart requires kubeVersion: >=1.30.0-0');
    for (const version of ['1.30.0', '1.30.2-gke.1587003', '1.35.4']) expect(await on(version)).not.toEqual([]);
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
          'revision=canary,namespaces={shop,bank},podMonitor.enabled=true,debugService.enabled=true,credentials.enabled=true,canaryRoles.enabled=true',
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

  it('has objects judged in the namespaces that it is for, and in no other', async () => {
    const judged = async (...flags: string[]) => {
      const objects = await template('inmesh-system', '--set', 'webhook.failurePolicy=Fail', ...flags);
      await server.api.apply(findObject(objects, 'ValidatingWebhookConfiguration'));
      // No server is there to answer, so that what is judged is refused.
      const answers = ['shop', 'bank', 'istio-system'].map(async (namespace) => {
        const routes = virtualService(namespace, 'reviews', { v1: 100 });
        const refused = await applyAll(server, [routes], '--dry-run=server').then(
          () => '',
          (error: { stderr: string }) => error.stderr,
        );
        return refused.includes('failed calling webhook "validation.inmesh.io"') ? [namespace] : [];
      });
      return (await Promise.all(answers)).flat();
    };
    const eventually = (wanted: string[], ...flags: string[]) =>
      waitFor(`reviews in ${wanted}`, async () => (await judged(...flags)).join() === wanted.join(), {
        log: () => server.log,
      });
    try {
      await eventually(['shop', 'bank', 'istio-system']);
      await eventually(['shop', 'istio-system'], '--set', 'namespaces={shop}');
      await eventually(['bank', 'istio-system'], '--set', 'excludedNamespaces={shop}');
    } finally {
      await server.kubectl('delete', 'validatingwebhookconfiguration', 'inmesh-validator');
    }
  });

  it('opens the way to an API server with another port', async () => {
    const portsOf = async (...flags: string[]) => {
      const { egress } = findObject(await template('mesh', ...flags), 'NetworkPolicy').spec as {
        egress: { ports: { port: number }[] }[];
      };
      return egress[0]!.ports.map(({ port }) => port);
    };
    expect(await portsOf()).toEqual([443, 6443]);
    expect(await portsOf('--set', 'networkPolicy.apiServerPorts={443,16443}')).toEqual([443, 16443]);
  });

  it('takes revisions and tags that are numbers, as text', async () => {
    for (const flags of [
      ['--set', 'revision=20261122,image.tag=20261123'],
      // As in a file: there Helm has them be floats.
      ['--set-json', 'revision=20261122', '--set-json', 'image.tag=20261123'],
    ]) {
      const objects = await template('mesh', '--set', 'namespaces={shop}', ...flags);
      const [container] = templateOf(findObject(objects, 'Deployment')).spec.containers;
      expect(container.args).toContain('--revision=20261122');
      expect(container.image).toBe('inmesh/config-server:20261123');
      const { metadata, webhooks } = findObject(objects, 'ValidatingWebhookConfiguration');
      expect(metadata.name).toBe('inmesh-validator-20261122');
      expect(JSON.stringify(webhooks)).toContain('"values":["20261122"]');
      expect(objects.filter(({ metadata: { name } }) => name === 'inmesh-mesh-20261122')).toHaveLength(3);
    }
  });

  it('has annotations of pods in the place of its own', async () => {
    const flags = ['--set-string', 'podAnnotations.prometheus\\.io/scrape=false,podAnnotations.team=mesh'];
    const objects = await template('mesh', ...flags);
    expect(templateOf(findObject(objects, 'Deployment')).metadata.annotations).toEqual({
      ...{ 'prometheus.io/scrape': 'false', 'prometheus.io/port': '15014', 'prometheus.io/path': '/metrics' },
      team: 'mesh',
    });
  });

  it('leaves to the autoscaler how many there are, also after an upgrade from a fixed number', async () => {
    const upgrade = (...flags: string[]) =>
      server.helm('upgrade', '--install', 'inmesh', chart, '--namespace', 'mesh', ...flags);
    const path = '/apis/apps/v1/namespaces/mesh/deployments/inmesh';
    const replicas = async () =>
      (await server.api.request<{ spec: { replicas: number } }>('GET', path)).body.spec.replicas;
    try {
      await upgrade('--set', 'replicas=3,autoscaling.enabled=false');
      expect(await replicas()).toBe(3);
      await upgrade('--set', 'replicas=2');
      expect(await replicas()).toBe(3);
      await server.kubectl('--namespace', 'mesh', 'scale', 'deployment/inmesh', '--replicas=4');
      await upgrade('--set', 'replicas=2');
      expect(await replicas()).toBe(4);
    } finally {
      await server.helm('uninstall', 'inmesh', '--namespace', 'mesh');
    }
    expect(findObject(await template(), 'Deployment').spec).not.toHaveProperty('replicas');
  });
});

describe('The values of the chart', () => {
  it.each([
    ['a name that there is not', 'replica=3', "at '': additional properties 'replica' not allowed"],
    ['one in a group', 'networkPolicy.enable=false', "at '/networkPolicy': additional properties 'enable' not allowed"],
    ['another type', 'networkPolicy.enabled=no', "at '/networkPolicy/enabled': got string, want boolean"],
    ['no number', 'replicas=two', "at '/replicas': got string, want integer"],
    ['no server', 'replicas=0', "at '/replicas': minimum: got 0, want 1"],
    ['what is one of a few', 'webhook.failurePolicy=fail', "value must be one of 'Ignore', 'Fail'"],
    ['names that Kubernetes does not take', 'ca.secret=My_CA', "at '/ca/secret': 'My_CA' does not match pattern"],
    ['such namespaces', 'namespaces={Shop}', "at '/namespaces/0': 'Shop' does not match pattern"],
    ['such a revision', 'revision=1.20', "at '/revision': '1.20' does not match pattern"],
    ['a port that is none', 'networkPolicy.apiServerPorts={70000}', 'maximum: got 70,000, want 65,535'],
    [
      'two that are each for itself',
      'namespaces={a},excludedNamespaces={b}',
      'namespaces and excludedNamespaces: give one',
    ],
  ])('are refused: %s', async (_, value, reason) => {
    await expect(template('mesh', '--set', value)).rejects.toThrow(reason);
  });

  it('may be what another chart says to all charts in it', async () => {
    expect(await template('mesh', '--set', 'global.region=eu')).not.toEqual([]);
  });
});
