import { readFileSync } from 'node:fs';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { seededRandom } from 'inmesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { startConfigServer } from '../support/config-server.js';
import { inParallel } from '../support/load.js';

const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function keep<T extends { close(): Promise<unknown> }>(one: T): T {
  open.push(one);
  return one;
}

function seed(name: string): string {
  return readFileSync(new URL(`../fixtures/seed-configs/${name}.yaml`, import.meta.url), 'utf8');
}

/** The two ways in which a service gets its configuration. */
const sources: Record<string, (folder: string) => Promise<MeshOptions>> = {
  'a folder': async (folder) => ({ config: folder }),
  'the config server': async (folder) => {
    const server = await startConfigServer(folder);
    keep({ close: () => server.kill() });
    return { xds: server.xds };
  },
};

async function versions(app: string, ...names: string[]): Promise<Backend[]> {
  return Promise.all(names.map(async (name) => keep(await startBackend(app, name))));
}

async function joinMesh(folder: ConfigFolder, source: keyof typeof sources): Promise<Mesh> {
  const mesh = keep(await createMesh({ ...(await sources[source]!(folder.path)), random: seededRandom(2026) }));
  await mesh.ready();
  return mesh;
}

async function answerOf(mesh: Mesh, url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await mesh.fetch(url, { headers });
  return `${response.status} ${await response.text()}`;
}

describe.each(Object.keys(sources))('from %s', (source) => {
  it('02 sends 90 % of 10,000 requests to v1 and 10 % to v2, within 1 percentage point', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('service.yaml', serviceYaml('helloapp', await versions('helloapp', 'v1', 'v2')));
    folder.write('canary.yaml', seed('02-canary-90-10'));
    const mesh = await joinMesh(folder, source);
    const counts: Record<string, number> = {};
    await inParallel(10_000, 16, async () => {
      const { statusCode, body } = await mesh.dispatcher.request({
        origin: 'http://helloapp',
        path: '/',
        method: 'GET',
      });
      const version = `${statusCode} ${await body.text()}`;
      counts[version] = (counts[version] ?? 0) + 1;
    });
    expect(Object.keys(counts).sort()).toEqual(['200 v1', '200 v2']);
    expect(counts['200 v1']! / 10_000).toBeGreaterThan(0.89);
    expect(counts['200 v1']! / 10_000).toBeLessThan(0.91);
  }, 60_000);

  it('03 sends only requests with internal-testing: True to v2', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('service.yaml', serviceYaml('helloapp', await versions('helloapp', 'v1', 'v2')));
    folder.write('testing.yaml', `${seed('03-testing-in-production')}\n---\n${subsetsOf('helloapp')}`);
    const mesh = await joinMesh(folder, source);
    for (let i = 0; i < 20; i += 1) {
      expect(await answerOf(mesh, 'http://helloapp/', { 'internal-testing': 'True' })).toBe('200 v2');
      expect(await answerOf(mesh, 'http://helloapp/', { 'internal-testing': 'true' })).toBe('200 v1');
      expect(await answerOf(mesh, 'http://helloapp.default.svc.cluster.local/')).toBe('200 v1');
    }
  });

  it('06 tries up to five times more, on endpoints not tried before', async () => {
    const folder = keep(new ConfigFolder());
    const dead = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => startBackend('service2', name)));
    for (const backend of dead) await backend.close();
    const [alive] = await versions('service2', 'alive');
    folder.write('service.yaml', serviceYaml('service2', [...dead, alive!]));
    folder.write('retries.yaml', seed('06-retries'));
    const mesh = await joinMesh(folder, source);
    const { action } = mesh.explain('http://service2/');
    expect(action?.retry).toMatchObject({ attempts: 5, perTryTimeoutMs: 10_000 });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => answerOf(mesh, 'http://service2/').catch((e) => e)),
    );
    for (const outcome of outcomes) {
      if (outcome !== '200 alive')
        expect(outcome).toMatchObject({ reason: 'upstream_connection_failure', attempts: 6 });
    }
    await alive!.close();
    open.splice(open.indexOf(alive!), 1);
    await expect(mesh.fetch('http://service2/')).rejects.toMatchObject({ attempts: 6, flag: 'UF,URX' });
  });

  it('14 balances over every pod of a headless Service', async () => {
    const folder = keep(new ConfigFolder());
    const name = 'stateless-flask-headless-service';
    const pods = await versions('stateless-flask', 'p1', 'p2', 'p3');
    const slices = serviceYaml(name, pods, { namespace: 'stateless-flask', port: 5000 }).split('\n---\n').slice(1);
    folder.write('headless.yaml', seed('14-headless-service'));
    folder.write('slices.yaml', slices.join('\n---\n'));
    const mesh = await joinMesh(folder, source);
    const seen = new Set<string>();
    for (let i = 0; i < 60; i += 1) seen.add(await answerOf(mesh, `http://${name}.stateless-flask:5000/`));
    expect([...seen].sort()).toEqual(['200 p1', '200 p2', '200 p3']);
  });

  it('15 shows v2 to jason and v1 to everyone else, and follows when the subsets are swapped', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('service.yaml', serviceYaml('reviews', await versions('reviews', 'v1', 'v2'), { port: 9080 }));
    const blueGreen = `${seed('15-bookinfo-by-user')}\n---\n${subsetsOf('reviews')}`;
    folder.write('reviews.yaml', blueGreen);
    const mesh = await joinMesh(folder, source);
    const url = 'http://reviews:9080/reviews/7';
    for (let i = 0; i < 20; i += 1) {
      expect(await answerOf(mesh, url, { 'end-user': 'jason' })).toBe('200 v2');
      expect(await answerOf(mesh, url, { 'end-user': 'ann' })).toBe('200 v1');
      expect(await answerOf(mesh, url)).toBe('200 v1');
    }
    const swapped = blueGreen.replaceAll(/subset: v([12])/g, (_, version) => `subset: v${3 - Number(version)}`);
    folder.write('reviews.yaml', swapped);
    await expect.poll(() => answerOf(mesh, url, { 'end-user': 'jason' }), { timeout: 5000 }).toBe('200 v1');
    expect(await answerOf(mesh, url)).toBe('200 v2');
  });
});

function subsetsOf(host: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host} }
spec:
  host: ${host}
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;
}
