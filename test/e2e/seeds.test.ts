import { describe, expect, it } from 'vitest';
import { startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { inParallel } from '../support/load.js';
import { answerOf, closeAfterEach, joinMesh, seed, sources, subsetsOf, versions } from '../support/seeds.js';

const keep = closeAfterEach();

describe.each(sources)('from %s', (source) => {
  it('02 sends 90 % of 10,000 requests to v1 and 10 % to v2, within 1 percentage point', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('service.yaml', serviceYaml('helloapp', await versions(keep, 'helloapp', 'v1', 'v2')));
    folder.write('canary.yaml', seed('02-canary-90-10'));
    const mesh = await joinMesh(keep, folder, source);
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
    folder.write('service.yaml', serviceYaml('helloapp', await versions(keep, 'helloapp', 'v1', 'v2')));
    folder.write('testing.yaml', `${seed('03-testing-in-production')}\n---\n${subsetsOf('helloapp')}`);
    const mesh = await joinMesh(keep, folder, source);
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
    const [alive] = await versions(keep, 'service2', 'alive');
    folder.write('service.yaml', serviceYaml('service2', [...dead, alive!]));
    folder.write('retries.yaml', seed('06-retries'));
    const mesh = await joinMesh(keep, folder, source);
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
    await expect(mesh.fetch('http://service2/')).rejects.toMatchObject({ attempts: 6, flag: 'UF,URX' });
  });

  it('14 balances over every pod of a headless Service', async () => {
    const folder = keep(new ConfigFolder());
    const name = 'stateless-flask-headless-service';
    const pods = await versions(keep, 'stateless-flask', 'p1', 'p2', 'p3');
    const slices = serviceYaml(name, pods, { namespace: 'stateless-flask', port: 5000 }).split('\n---\n').slice(1);
    folder.write('headless.yaml', seed('14-headless-service'));
    folder.write('slices.yaml', slices.join('\n---\n'));
    const mesh = await joinMesh(keep, folder, source);
    const seen = new Set<string>();
    for (let i = 0; i < 60; i += 1) seen.add(await answerOf(mesh, `http://${name}.stateless-flask:5000/`));
    expect([...seen].sort()).toEqual(['200 p1', '200 p2', '200 p3']);
  });

  it('15 shows v2 to jason and v1 to everyone else, and follows when the subsets are swapped', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('service.yaml', serviceYaml('reviews', await versions(keep, 'reviews', 'v1', 'v2'), { port: 9080 }));
    const blueGreen = `${seed('15-bookinfo-by-user')}\n---\n${subsetsOf('reviews')}`;
    folder.write('reviews.yaml', blueGreen);
    const mesh = await joinMesh(keep, folder, source);
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
