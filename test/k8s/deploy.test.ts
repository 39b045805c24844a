import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubernetesRules } from '../../packages/control-plane/src/sources/kubernetes/rbac-rules.js';
import { resolveOptions } from '../../packages/sdk/src/options.js';
import { ApiServer } from './support/api-server.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import {
  applyAll,
  findObject,
  k8sFolder,
  kustomize,
  kustomizeOver,
  objectsOf,
  templateOf,
} from './support/manifests.js';
import { podMonitorDefinition } from './support/pod-monitor.js';
import type { KubernetesObject } from './support/resource-path.js';
import { waitFor } from './support/wait-for.js';

let server: ApiServer;
let token: string;

beforeAll(async () => {
  server = await ApiServer.start();
  await installCrds(server, 'istio');
  await installCrds(server, 'gateway-api');
  const base = await kustomize(server, 'base');
  await server.api.apply(findObject(base, 'Namespace'));
  for (const kind of ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']) {
    for (const object of base.filter((one) => one.kind === kind)) await server.api.apply(object);
  }
  await makeNamespace(server.api, 'shop');
  token = await serviceAccountToken(server.api, 'inmesh-system', 'inmesh');
});

afterAll(() => server?.close());

describe('kubectl apply --dry-run=server', () => {
  it.each(['base', 'overlays/dev', 'overlays/production', 'app-example'])('takes k8s/%s', async (folder) => {
    const objects = await kustomize(server, folder);
    const said = await applyAll(server, objects, '--dry-run=server');
    expect(said.trim().split('\n')).toHaveLength(objects.length);
  });

  it('takes overlays with the PodMonitor where its kind is', async () => {
    await server.api.apply(podMonitorDefinition);
    const monitored = { resources: ['overlays/production'], components: ['components/pod-monitor'] };
    const objects = await kustomizeOver(server, monitored);
    const isServed = async () => (await server.api.request('GET', '/apis/monitoring.coreos.com/v1/podmonitors')).status;
    await waitFor('the kind', async () => (await isServed()) === 200, { log: () => server.log });
    expect(await applyAll(server, objects, '--dry-run=server')).toContain(
      'podmonitor.monitoring.coreos.com/inmesh created (server dry run)',
    );
  });

  it.each([
    ['base', ['credentials', 'canary', 'debug-service']],
    ['overlays/dev', ['credentials']],
    ['overlays/production', ['credentials', 'debug-service']],
  ])('takes k8s/%s in another namespace, with all that names it', async (folder, components) => {
    const paths = components.map((name) => `components/${name}`);
    const objects = await kustomizeOver(server, { namespace: 'mesh', resources: [folder], components: paths });
    expect(objects.filter((one) => JSON.stringify(one).includes('inmesh-system'))).toEqual([]);
    const subjects = objects.flatMap((one) => (one.subjects as object[] | undefined) ?? []);
    const ours = { kind: 'ServiceAccount', name: 'inmesh', namespace: 'mesh' };
    expect(subjects).toEqual([ours, ours, ours, ours]);
    const { webhooks } = findObject(objects, 'ValidatingWebhookConfiguration');
    for (const { clientConfig } of webhooks as { clientConfig: object }[])
      expect(clientConfig).toMatchObject({ service: { name: 'inmesh', namespace: 'mesh' } });
    const { env } = templateOf(findObject(objects, 'Deployment')).spec.containers[0];
    const namespace = { fieldRef: { fieldPath: 'metadata.namespace' } };
    expect(env).toContainEqual({ name: 'POD_NAMESPACE', valueFrom: namespace });
    await makeNamespace(server.api, 'mesh');
    const others = objects.filter(({ kind }) => kind !== 'Namespace');
    expect(await applyAll(server, others, '--dry-run=server')).toContain('deployment.apps/inmesh created');
  });

  it('takes pods of the config server in a namespace with restricted Pod Security', async () => {
    const deployment = findObject(await kustomize(server, 'base'), 'Deployment');
    const { spec } = templateOf(deployment);
    const metadata = { name: 'inmesh-1', namespace: 'inmesh-system' };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
    expect(await applyAll(server, [pod], '--dry-run=server')).toContain('pod/inmesh-1 created (server dry run)');
    const lax = { ...spec, securityContext: {} };
    await expect(applyAll(server, [{ ...pod, spec: lax }], '--dry-run=server')).rejects.toThrow('violates PodSecurity');
  });
});

describe('The overlays', () => {
  it('want three nodes in production, of pods of one version and without what takes no pods', async () => {
    const objects = await kustomize(server, 'overlays/production');
    expect(findObject(objects, 'HorizontalPodAutoscaler').spec).toMatchObject({ minReplicas: 3 });
    expect(templateOf(findObject(objects, 'Deployment')).spec.topologySpreadConstraints).toContainEqual({
      ...{ topologyKey: 'kubernetes.io/hostname', maxSkew: 1, minDomains: 3, whenUnsatisfiable: 'DoNotSchedule' },
      ...{ nodeTaintsPolicy: 'Honor', matchLabelKeys: ['pod-template-hash'] },
      labelSelector: { matchLabels: { 'app.kubernetes.io/name': 'inmesh' } },
    });
  });

  it('have no balancer before the debug ports', async () => {
    const debug = findObject(await kustomize(server, 'overlays/dev'), 'Service', 'inmesh-debug');
    expect(debug.spec).toMatchObject({ clusterIP: 'None' });
  });

  it('open the debug port to others in dev alone', async () => {
    for (const [folder, host, services] of [
      ['base', '127.0.0.1', ['inmesh']],
      ['overlays/production', '127.0.0.1', ['inmesh']],
      ['overlays/dev', '0.0.0.0', ['inmesh', 'inmesh-debug']],
    ] as const) {
      const objects = await kustomize(server, folder);
      expect(templateOf(findObject(objects, 'Deployment')).spec.containers[0].args).toContain(`--debug-host=${host}`);
      const found = objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
      expect(found).toEqual(services);
    }
  });

  it('refuse what cannot be judged in production alone', async () => {
    const policies = async (folder: string) => {
      const { webhooks } = findObject(await kustomize(server, folder), 'ValidatingWebhookConfiguration');
      return (webhooks as { failurePolicy: string }[]).map(({ failurePolicy }) => failurePolicy);
    };
    expect(await policies('base')).toEqual(['Ignore', 'Ignore']);
    expect(await policies('overlays/dev')).toEqual(['Ignore', 'Ignore']);
    expect(await policies('overlays/production')).toEqual(['Fail', 'Fail']);
  });
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** `patch httproutes/status.gateway.networking.k8s.io`, with the name where there is one. */
function permissionsOf(rules: readonly Rule[]): string[] {
  const found = rules.flatMap(({ apiGroups, resources, resourceNames = [''], verbs }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => resourceNames.map((name) => `${verb} ${resource}.${group} ${name}`.trim())),
      ),
    ),
  );
  return found.sort();
}

function rulesOf(objects: readonly KubernetesObject[], kind: string): Rule[] {
  return objects.filter((one) => one.kind === kind).flatMap(({ rules }) => rules as Rule[]);
}

async function mayIt(
  verb: string,
  what: string,
  options: { namespace?: string; name?: string } = {},
): Promise<boolean> {
  const [, resource, subresource, group] = /^([^/.]+)(?:\/(\w+))?\.?(.*)$/.exec(what)!;
  const resourceAttributes = { verb, group, resource, subresource, ...options };
  const apiVersion = 'authorization.k8s.io/v1';
  const body = { apiVersion, kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } };
  const path = `/apis/${apiVersion}/selfsubjectaccessreviews`;
  const answer = await server.api.request<{ status: { allowed: boolean } }>('POST', path, body, { token });
  return answer.body.status.allowed;
}

describe('The rights of the config server', () => {
  it('are what its code asks for, and no more', async () => {
    const objects = await kustomize(server, 'base');
    const rootsAndReviews: Rule[] = [
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
      {
        ...{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['inmesh-ca-root-cert'] },
        verbs: ['get', 'create', 'patch', 'list', 'watch'],
      },
      {
        ...{ apiGroups: ['admissionregistration.k8s.io'], resources: ['validatingwebhookconfigurations'] },
        ...{ resourceNames: ['inmesh-validator'], verbs: ['get', 'patch'] },
      },
    ];
    const authority: Rule[] = [
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['inmesh-ca'], verbs: ['get', 'update'] },
    ];
    expect(permissionsOf(rulesOf(objects, 'ClusterRole'))).toEqual(
      permissionsOf([...kubernetesRules.cluster, ...rootsAndReviews]),
    );
    const credentials = objectsOf(readFileSync(join(k8sFolder, 'components/credentials/rbac.yaml'), 'utf8'));
    expect(permissionsOf(rulesOf(credentials, 'ClusterRole'))).toEqual(permissionsOf(kubernetesRules.secrets));
    expect(permissionsOf(rulesOf(objects, 'Role'))).toEqual(permissionsOf([...kubernetesRules.own, ...authority]));
  });

  it('are given by the API server', async () => {
    for (const { apiGroups, resources, verbs } of kubernetesRules.cluster) {
      for (const resource of resources) {
        for (const verb of verbs)
          expect(await mayIt(verb, `${resource}.${apiGroups[0]}`), `${verb} ${resource}`).toBe(true);
      }
    }
    const own = { namespace: 'inmesh-system' };
    for (const verb of ['get', 'create', 'update'])
      expect(await mayIt(verb, 'leases.coordination.k8s.io', own)).toBe(true);
    for (const verb of ['get', 'update'])
      expect(await mayIt(verb, 'secrets', { ...own, name: 'inmesh-ca' })).toBe(true);
    for (const verb of ['list', 'watch', 'update'])
      expect(await mayIt(verb, 'configmaps', { ...own, name: 'inmesh-last-good' })).toBe(true);
    expect(await mayIt('create', 'configmaps', own)).toBe(true);
    expect(await mayIt('create', 'secrets', own)).toBe(true);
    expect(await mayIt('create', 'tokenreviews.authentication.k8s.io')).toBe(true);
  });

  it('are none over what is not its own', async () => {
    const refused: [verb: string, what: string, options?: { namespace?: string; name?: string }][] = [
      ['get', 'secrets', { namespace: 'shop', name: 'inmesh-ca' }],
      ['get', 'secrets', { namespace: 'inmesh-system', name: 'another' }],
      ['list', 'secrets', { namespace: 'inmesh-system' }],
      ['list', 'secrets'],
      ['create', 'secrets', { namespace: 'shop' }],
      ['delete', 'secrets', { namespace: 'inmesh-system', name: 'inmesh-ca' }],
      ['create', 'pods/exec', { namespace: 'shop' }],
      ['create', 'pods', { namespace: 'inmesh-system' }],
      ['create', 'deployments.apps', { namespace: 'shop' }],
      ['update', 'virtualservices.networking.istio.io', { namespace: 'shop' }],
      ['patch', 'httproutes.gateway.networking.k8s.io', { namespace: 'shop' }],
      ['patch', 'configmaps', { namespace: 'shop', name: 'another' }],
      ['update', 'configmaps', { namespace: 'shop', name: 'another' }],
      ['update', 'configmaps', { namespace: 'inmesh-system', name: 'another' }],
      ['create', 'configmaps', { namespace: 'shop' }],
      ['update', 'leases.coordination.k8s.io', { namespace: 'kube-system' }],
      ['patch', 'validatingwebhookconfigurations.admissionregistration.k8s.io', { name: 'another' }],
      ['create', 'validatingwebhookconfigurations.admissionregistration.k8s.io'],
      ['create', 'serviceaccounts/token', { namespace: 'shop' }],
      ['escalate', 'clusterroles.rbac.authorization.k8s.io'],
      ['impersonate', 'users'],
    ];
    for (const [verb, what, options] of refused) {
      expect(await mayIt(verb, what, options), `${verb} ${what} ${JSON.stringify(options)}`).toBe(false);
    }
  });
});

describe('The application', () => {
  it('is ready when it listens, which it does once it is in the mesh', async () => {
    const { spec } = templateOf(findObject(await kustomize(server, 'app-example'), 'Deployment'));
    const [{ ports, readinessProbe }] = spec.containers;
    expect(readinessProbe).toMatchObject({ tcpSocket: { port: 'http' } });
    expect(ports).toContainEqual({ name: 'http', containerPort: 9080 });
  });
});

describe('What is added to a Deployment', () => {
  it('has others call it by mutual TLS, which they know by a label', async () => {
    const { metadata } = templateOf(findObject(await kustomize(server, 'app-example'), 'Deployment'));
    expect(metadata.labels).toEqual({ app: 'reviews', version: 'v1', 'security.istio.io/tlsMode': 'istio' });
  });

  it('sends Prometheus to the port that the image has for it', async () => {
    const { metadata, spec } = templateOf(findObject(await kustomize(server, 'app-example'), 'Deployment'));
    const port = metadata.annotations!['prometheus.io/port'];
    expect(spec.containers[0].ports).toContainEqual({ name: 'http-metrics', containerPort: Number(port) });
    const image = readFileSync(join(k8sFolder, 'docker/bookinfo.Dockerfile'), 'utf8');
    expect(image).toContain(`METRICS_PORT=${port}\n`);
  });

  it('is what the SDK reads', async () => {
    const { spec } = templateOf(findObject(await kustomize(server, 'app-example'), 'Deployment'));
    const [{ env, volumeMounts = [] }] = spec.containers;
    // As a kubelet fills it in.
    const fields = {
      ...{ POD_NAME: 'reviews-v1-x', POD_NAMESPACE: 'shop', POD_IP: '10.0.0.7', NODE_NAME: 'node-a' },
      ...{ SERVICE_ACCOUNT: 'reviews', INMESH_APP: 'reviews', INMESH_VERSION: 'v1' },
    };
    const variables = Object.fromEntries(
      env.map(({ name, value }) => [name, value ?? fields[name as keyof typeof fields]]),
    );
    expect(Object.values(variables)).not.toContain(undefined);
    const files: Record<string, string> = { '/etc/podinfo/labels': 'app="reviews"\nversion="v1"\ntier="back"\n' };
    const { workload, client, identity, source, loadReports } = resolveOptions(
      {},
      { variables, readFile: (path) => files[path] },
    );
    expect(workload).toMatchObject({
      ...{ podName: 'reviews-v1-x', namespace: 'shop', podIp: '10.0.0.7', serviceAccount: 'reviews' },
      ...{ app: 'reviews', version: 'v1' },
    });
    expect(client).toMatchObject({ nodeName: 'node-a', labels: { app: 'reviews', version: 'v1', tier: 'back' } });
    const mounts = volumeMounts.map(({ mountPath }) => mountPath);
    expect(mounts).toEqual(['/var/run/secrets/inmesh', '/etc/podinfo']);
    expect(identity).toEqual({
      authority: 'inmesh.inmesh-system.svc:15012',
      roots: '/var/run/secrets/inmesh/root-cert.pem',
      token: { file: '/var/run/secrets/inmesh/token' },
    });
    expect(source).toMatchObject({ kind: 'xds' });
    expect(loadReports).toBe(true);
    expect(JSON.stringify(source)).toContain('inmesh.inmesh-system.svc:15012');
  });
});
