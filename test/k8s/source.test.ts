import type { Mesh } from 'inmesh';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Running } from '../../packages/cli/test/support/run.js';
import { makeNamespace, serviceAccountToken } from './support/cluster-objects.js';
import { installCrds, removeCrds } from './support/crds.js';
import { destinationRule, virtualService } from './support/istio-objects.js';
import { service, serviceAccount } from './support/objects.js';
import { type ServedCluster, serveCluster } from './support/serve-cluster.js';
import { dumpOf } from './support/served-dump.js';
import { callReviews, namespace, ShopMesh } from './support/shop-mesh.js';
import { waitFor } from './support/wait-for.js';
import type { RunningPod } from './support/workloads.js';

const ports = [{ name: 'http', port: 80 }];
let shop: ShopMesh;
let served: ServedCluster;
let mesh: Mesh;

beforeAll(async () => {
  shop = await ShopMesh.start({ crds: false });
  served = await shop.serve({ kubernetes: { timings: { confirmMs: 200 } } });
  mesh = await shop.client(served);
});

afterAll(() => shop?.close());

async function answers(count = 20): Promise<string> {
  return [...new Set(await Promise.all(Array.from({ length: count }, () => callReviews(mesh))))].sort().join();
}

async function hostsOf(of: ServedCluster): Promise<string[]> {
  const { clusters } = await dumpOf(of);
  return clusters.map(({ name }) => name.split('|')[3]!.replace('.svc.cluster.local', '')).sort();
}

describe('the objects of a cluster', () => {
  let second: RunningPod;

  it('reach the clients, from the first pod to a rule whose kind came later', async () => {
    await shop.pod('reviews-v1', 'v1');
    await waitFor('the first pod', async () => (await answers(1)) === '200 v1');
    second = await shop.pod('reviews-v2', 'v2');
    await waitFor('the second pod', async () => (await answers()) === '200 v1,200 v2');
    await installCrds(shop.server, 'istio');
    await shop.server.api.apply(destinationRule(namespace, 'reviews', ['v1', 'v2']));
    await shop.server.api.apply(virtualService(namespace, 'reviews', { v1: 0, v2: 100 }));
    await waitFor('the rule', async () => (await answers()) === '200 v2');
    expect(served.lines.filter((line) => line.includes('error'))).toEqual([]);
  });

  it('are refused one by one when they are broken, by name and field, and what was good stays', async () => {
    const broken = virtualService(namespace, 'reviews', { v1: 100, none: 0 });
    await shop.server.api.apply(broken);
    const line =
      'VirtualService/shop/reviews: error: spec.http[0].route[1].destination.subset: no DestinationRule has the';
    await waitFor('word of it', () => served.lines.some((one) => one.startsWith(line)));
    await shop.server.api.apply(service(namespace, 'more', { ports }));
    await waitFor('another service', async () => (await hostsOf(served)).includes('more.shop'));
    expect(await answers()).toBe('200 v2');

    // A server that has never seen it right goes on without it, and takes the rest.
    const fresh = await shop.serve();
    expect(await hostsOf(fresh)).toContain('more.shop');
    expect(fresh.lines.some((one) => one.startsWith(line))).toBe(true);
    await fresh.close();

    await shop.server.api.apply(virtualService(namespace, 'reviews', { v1: 100 }));
    await waitFor('the mended rule', async () => (await answers()) === '200 v1');
  });

  it('are gone when they are deleted, and all of a kind when that is', async () => {
    await shop.server.api.apply(virtualService(namespace, 'reviews', { v2: 100 }));
    await waitFor('the rule', async () => (await answers()) === '200 v2');
    await removeCrds(shop.server, 'istio');
    await waitFor('no rule', async () => (await answers()) === '200 v1,200 v2');
    await second.forget();
    await waitFor('one pod', async () => (await answers()) === '200 v1');
    await shop.server.api.remove(service(namespace, 'more'));
    await waitFor('no service', async () => !(await hostsOf(served)).includes('more.shop'));
  });
});

describe('a config server', () => {
  it('takes the namespaces and the revision that it is told', async () => {
    const { server } = shop;
    await makeNamespace(server.api, 'other');
    await server.api.apply(service('other', 'ratings', { ports }));
    const only = await shop.serve({ kubernetes: { namespaces: ['other'] } });
    expect(await hostsOf(only)).toEqual(['ratings.other']);
    const without = await shop.serve({ kubernetes: { excludedNamespaces: ['other', 'default'] } });
    expect(await hostsOf(without)).toEqual(['reviews.shop']);

    await installCrds(server, 'istio');
    const canary = await shop.serve({ kubernetes: { namespaces: ['other'], revision: 'canary' } });
    const entry = (name: string, labels: Record<string, string>) => ({
      ...{ apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name, namespace: 'other', labels } },
      spec: { hosts: [`${name}.test`], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution: 'DNS' },
    });
    await server.api.apply(entry('for-all', {}));
    await server.api.apply(entry('for-canary', { 'istio.io/rev': 'canary' }));
    await server.api.apply(entry('for-default', { 'istio.io/rev': 'default' }));
    const seen = (of: ServedCluster) => async () => (await hostsOf(of)).filter((host) => host.endsWith('.test')).join();
    await waitFor('those of the revision', async () => (await seen(canary)()) === 'for-all.test,for-canary.test');
    await waitFor('those of the default one', async () => (await seen(only)()) === 'for-all.test,for-default.test');
  });

  it('that may not look says which rule is missing, and is not ready until it has it', async () => {
    const { server } = shop;
    await server.api.apply(serviceAccount('other', 'nobody'));
    const kubeconfig = server.kubeconfigOf(await serviceAccountToken(server.api, 'other', 'nobody'));
    const limited = shop.keep(await serveCluster(kubeconfig));
    const ready = () => fetch(`http://${limited.addresses.metrics}/ready`);
    const first = await ready();
    expect(first.status).toBe(503);
    expect(await first.text()).toContain(
      'not allowed to list services: bind the service account to a ClusterRole with',
    );
    await server.kubectl(
      'create',
      'clusterrolebinding',
      'nobody',
      '--clusterrole=cluster-admin',
      '--serviceaccount=other:nobody',
    );
    await waitFor('readiness', async () => (await ready()).status === 200);
  });

  it('serves on through an outage, and one that begins in it is ready when it is over', async () => {
    const { server } = shop;
    const before = await dumpOf(served);
    await server.stop();
    const late = await shop.serve();
    const ready = async () => {
      const response = await fetch(`http://${late.addresses.metrics}/ready`);
      return `${response.status} ${await response.text()}`;
    };
    expect(await ready()).toMatch(/^503 [\s\S]*cannot list /);
    expect(await answers()).toBe('200 v1');
    expect(await dumpOf(served)).toEqual(before);
    await server.start();
    await waitFor('readiness', async () => (await ready()) === '200 ready\n', { bound: 60_000 });
    await waitFor('the same', async () => JSON.stringify(await dumpOf(late)) === JSON.stringify(await dumpOf(served)));
  });

  it('is begun by inmesh serve --kubernetes', async () => {
    const ports = ['--xds-port', '0', '--metrics-port', '0', '--debug-port', '0'];
    const running = shop.keep(new Running(['serve', '--kubernetes', '--kubeconfig', shop.server.kubeconfig, ...ports]));
    await waitFor('the ports', () => running.addresses !== undefined, { log: () => running.err });
    const { xds, metrics, debug } = running.addresses!;
    const started = { addresses: { xds: xds!, metrics: metrics!, debug: debug! }, lines: [], close: async () => {} };
    expect((await dumpOf(started)).versions).toEqual((await dumpOf(served)).versions);
    const client = await shop.client(started);
    expect(await callReviews(client)).toBe('200 v1');
    running.process.kill('SIGTERM');
    expect(await running.exit).toBe(0);
  });

  it('agrees with others of the same cluster on every version, so that a client moves and nothing changes for it', async () => {
    const first = await shop.serve();
    await waitFor('equal versions', async () => {
      const [a, b] = await Promise.all([dumpOf(served), dumpOf(first)]);
      return JSON.stringify(a) === JSON.stringify(b);
    });
    const client = await shop.client(first);
    expect(await callReviews(client)).toBe('200 v1');
    const { generation } = client.status();
    await first.close();
    await waitFor('the end of the first', () => client.status().server === undefined);
    // As behind a Service: another server at the same address.
    await shop.serve({ xdsPort: Number(first.addresses.xds.split(':')[1]) });
    await waitFor('the other', () => client.status().server !== undefined && client.status().problem === undefined);
    expect(await callReviews(client)).toBe('200 v1');
    expect(client.status()).toMatchObject({ generation, resourceProblems: [] });
  });
});
