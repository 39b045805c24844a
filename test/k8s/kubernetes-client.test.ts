import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestSecretRotation, SecretStore } from '../../packages/control-plane/src/ca/secret-store.js';
import type { KubernetesClient } from '../../packages/control-plane/src/kubernetes/client/client.js';
import { kubeconfigAccess } from '../../packages/control-plane/src/kubernetes/client/kubeconfig.js';
import {
  type KubernetesObject,
  keyOf,
  type ResourceType,
} from '../../packages/control-plane/src/kubernetes/client/objects.js';
import { openClient } from '../../packages/control-plane/src/kubernetes/client/open-client.js';
import { KubernetesError } from '../../packages/control-plane/src/kubernetes/client/problem.js';
import { LeaderElection } from '../../packages/control-plane/src/kubernetes/leader/leader-election.js';
import { Reflector, type ReflectorOptions } from '../../packages/control-plane/src/kubernetes/reflector/reflector.js';
import { systemClock } from '../../packages/control-plane/src/system-clock.js';
import { ApiServer } from './support/api-server.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds, removeCrds } from './support/crds.js';
import { serviceAccount } from './support/objects.js';
import { waitFor } from './support/wait-for.js';

const core = { group: '', version: 'v1', namespaced: true };
const configMaps: ResourceType = { ...core, plural: 'configmaps', kind: 'ConfigMap' };
const httpRoutes: ResourceType = {
  ...{ group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', kind: 'HTTPRoute', namespaced: true },
};
let server: ApiServer;
let client: KubernetesClient;
let direct: KubernetesClient;
let namespace: string;
let count = 0;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  // Without a watch cache, what etcd has forgotten is 410 at once.
  server = await ApiServer.start({ watchCache: false });
  // A request on a connection that has fallen silent is given up after this, and the next takes another.
  client = clientOf(server.kubeconfig, 2000);
  direct = clientOf(server.kubeconfigOf(server.adminToken, server.directUrl));
});

beforeEach(async () => {
  count += 1;
  namespace = `test-${count}`;
  await makeNamespace(server.api, namespace);
});

afterAll(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  await server?.close();
});

function keep<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

function clientOf(kubeconfig: string, timeoutMs?: number): KubernetesClient {
  return keep(openClient(kubeconfigAccess({ files: [kubeconfig], now: Date.now }), timeoutMs));
}

function reflect(type: ResourceType, options: Partial<ReflectorOptions<KubernetesObject>> = {}) {
  const removed: KubernetesObject[] = [];
  const reflector = keep(
    new Reflector<KubernetesObject>({
      ...{ client, type, clock: systemClock, random: Math.random },
      onChange: (batch) => removed.push(...batch.removed),
      ...options,
    }),
  );
  return { reflector, removed };
}

async function put(name: string, data: Record<string, string> = {}): Promise<KubernetesObject> {
  const body = { metadata: { name, namespace }, data };
  return await direct.patch(configMaps, { namespace, name }, { kind: 'apply', body, force: true });
}

function versions(objects: Iterable<KubernetesObject>): Record<string, string | undefined> {
  return Object.fromEntries([...objects].map((one) => [keyOf(one), one.metadata.resourceVersion]).sort());
}

async function isAsListed(reflector: Reflector<KubernetesObject>): Promise<boolean> {
  const { items } = await direct.list(configMaps, { namespace });
  return JSON.stringify(versions(items)) === JSON.stringify(versions(reflector.store.values()));
}

async function problemFrom(asked: Promise<unknown>) {
  const error = await asked.catch((reason: unknown) => reason);
  if (error instanceof KubernetesError) return error.problem;
  throw new Error(`no KubernetesError but ${error}`);
}

describe('the client, at a real API server', () => {
  it('writes, and is told of conflicts', async () => {
    const name = { namespace, name: 'a' };
    const made = await client.create(configMaps, { metadata: name, data: { a: '1' } } as KubernetesObject);
    expect(await problemFrom(client.create(configMaps, { metadata: name }))).toMatchObject({ kind: 'already_exists' });
    await client.patch(configMaps, name, { kind: 'merge', body: { data: { b: '2' } } });
    expect(await problemFrom(client.update(configMaps, made))).toMatchObject({ kind: 'conflict' });
    await client.patch(configMaps, name, { kind: 'json', body: [{ op: 'remove', path: '/data/a' }] });
    const body = { data: { b: '3' } };
    const apply = { kind: 'apply' as const, body: { metadata: { name: 'a' }, ...body } };
    expect(await problemFrom(client.patch(configMaps, name, apply, { fieldManager: 'other' }))).toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining('.data.b'),
    });
    await client.patch(configMaps, name, { ...apply, force: true }, { fieldManager: 'other' });
    expect(await client.get(configMaps, name)).toMatchObject(body);
    expect(await problemFrom(client.create(configMaps, { metadata: { namespace, name: 'A_' } }))).toMatchObject({
      kind: 'invalid',
      causes: [expect.stringContaining('metadata.name')],
    });
    await client.delete(configMaps, name);
    expect(await problemFrom(client.get(configMaps, name))).toMatchObject({ kind: 'not_found', what: 'object' });
    expect(await problemFrom(client.list({ ...httpRoutes, plural: 'none' }))).toMatchObject({ what: 'type' });
  });

  it('lists in pages, and begins anew where they are forgotten under way', async () => {
    for (let first = 0; first < 1100; first += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const name = `n-${first + index}`;
          return direct.create(configMaps, { metadata: { namespace, name } });
        }),
      );
    }
    const { items } = await client.list(configMaps, { namespace });
    expect(new Set(items.map(keyOf)).size).toBe(1100);
    const listing = client.list(configMaps, { namespace });
    await put('more');
    await server.compact();
    expect((await listing).items.length).toBeGreaterThanOrEqual(1100);
  });
});

describe('a reflector, at a real API server', () => {
  it('is as a fresh list after each cut, silence, compaction and restart, and loses nothing meanwhile', async () => {
    let lists = 0;
    const counted = {
      list: ((...asked) => {
        lists += 1;
        return client.list(...asked);
      }) as KubernetesClient['list'],
      watch: client.watch.bind(client) as KubernetesClient['watch'],
      serves: client.serves.bind(client),
    };
    const { reflector, removed } = reflect(configMaps, {
      client: counted,
      namespaces: [namespace],
      timings: { idleMs: 3000, backoff: { baseMs: 20, maxMs: 500 } },
    });
    await reflector.synced;
    const deleted = new Set<string | undefined>();
    for (let round = 0; round < 100; round += 1) {
      await put(`kept-${round % 7}`, { round: String(round) });
      const gone = await put(`gone-${round}`);
      const isSilent = round % 25 === 7;
      if (isSilent) server.silenceWatches();
      else server.cutWatches();
      await put(`late-${round % 5}`, { round: String(round) });
      deleted.add(gone.metadata.uid);
      await direct.delete(configMaps, { namespace, name: `gone-${round}` });
      // What happened in silence is then not to be had from a watch any more.
      if (isSilent || round % 3 === 0) await server.compact();
      if (round % 25 === 24) await server.restart(round % 50 === 24 ? 'SIGTERM' : undefined);
      await waitFor(`the list of round ${round}`, () => isAsListed(reflector));
    }
    expect(lists).toBeGreaterThanOrEqual(5);
    for (const { metadata } of removed) expect(deleted).toContain(metadata.uid);
    // A watch on which nothing happens is silent, too, until it has been opened anew.
    await waitFor('an end of the silence', () => reflector.problem === undefined);
    await reflector.close();
  }, 300_000);

  it('knows a kind when its CRD comes, and forgets it when it goes', async () => {
    const { reflector } = reflect(httpRoutes, { timings: { absentMs: 200, confirmMs: 200 } });
    await reflector.synced;
    expect(reflector.store.size).toBe(0);
    await installCrds(server, 'gateway-api');
    const parentRefs = [{ group: '', kind: 'Service', name: 'a' }];
    const route = { metadata: { namespace, name: 'a' }, spec: { parentRefs } };
    await direct.create(httpRoutes, route);
    await waitFor('the route', () => reflector.store.has(`${namespace}/a`));
    const condition = { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' };
    const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const status = { parents: [{ parentRef: parentRefs[0], controllerName: 'inmesh.io/a', conditions }] };
    await direct.patch(
      httpRoutes,
      { namespace, name: 'a' },
      { kind: 'apply', body: { status } },
      { subresource: 'status' },
    );
    await waitFor('its status', () => 'status' in (reflector.store.get(`${namespace}/a`) ?? {}));
    await removeCrds(server, 'gateway-api');
    await waitFor('its end', () => reflector.store.size === 0);
    expect(reflector.problem).toBeUndefined();
    await reflector.close();
  });

  it('that may not look names the rule, and looks when it has it', async () => {
    await server.api.apply(serviceAccount(namespace, 'mesh'));
    const token = await serviceAccountToken(server.api, namespace, 'mesh');
    const limited = clientOf(server.kubeconfigOf(token));
    await put('a');
    const { reflector } = reflect(configMaps, { client: limited, namespaces: [namespace] });
    await waitFor('the problem', () => reflector.problem !== undefined);
    expect(reflector.problem?.kind).toBe('forbidden');
    const rule = JSON.parse(reflector.problem?.hint?.split('with the rule ')[1] ?? '') as object;
    const rbac = 'rbac.authorization.k8s.io';
    const subjects = [{ kind: 'ServiceAccount', name: 'mesh', namespace }];
    const role = { group: rbac, version: 'v1', namespaced: true };
    const metadata = { namespace, name: 'mesh' };
    await direct.create({ ...role, plural: 'roles', kind: 'Role' }, { metadata, rules: [rule] } as KubernetesObject);
    const roleRef = { apiGroup: rbac, kind: 'Role', name: 'mesh' };
    const binding = { metadata, subjects, roleRef } as KubernetesObject;
    await direct.create({ ...role, plural: 'rolebindings', kind: 'RoleBinding' }, binding);
    await waitFor('the object', () => reflector.store.has(`${namespace}/a`));
    await reflector.close();
  });
});

describe('replicas, at a real API server', () => {
  it('have one leader, and another when it has closed', async () => {
    const leaders: string[] = [];
    const elections = ['a', 'b', 'c'].map((identity) =>
      keep(
        new LeaderElection({
          ...{
            client: direct,
            lease: { namespace, name: 'inmesh' },
            identity,
            clock: systemClock,
            random: Math.random,
          },
          now: Date.now,
          onStarted: () => leaders.push(identity),
          onStopped: () => {},
          durations: { leaseMs: 3000, renewMs: 2000, retryMs: 200 },
        }),
      ),
    );
    await waitFor('a leader', () => leaders.length === 1);
    const first = elections.findIndex((election) => election.isLeader);
    await elections[first]?.close();
    await waitFor('another leader', () => leaders.length === 2);
    expect(elections.filter((election) => election.isLeader)).toHaveLength(1);
    for (const election of elections) await election.close();
  });

  it('agree on what a Secret keeps', async () => {
    const name = { namespace, name: 'inmesh-ca' };
    const state = (mark: string) => {
      const pair = { certificate: mark, key: mark };
      return { kind: 'steady' as const, signer: { root: pair, intermediate: pair } };
    };
    const [one, other] = [new SecretStore(client, name), new SecretStore(direct, name)];
    expect(await one.load()).toBeUndefined();
    const [mine, theirs] = await Promise.all([one.create(state('1')), other.create(state('2'))]);
    expect(mine).toEqual(theirs);
    const [saved, also] = await Promise.all([one.save(state('3')), other.save(state('4'))]);
    expect(saved).toEqual(also);
    await requestSecretRotation(client, name, Date.now());
    await one.load();
    expect(await one.takeRotateRequest()).toBe(true);
    await one.save(state('5'));
    expect(await one.takeRotateRequest()).toBe(false);
    expect(await other.load()).toEqual(state('5'));
    expect(await other.takeRotateRequest()).toBe(false);
  });
});
