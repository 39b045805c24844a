import { describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { inParallel } from '../support/load.js';
import { closeAfterEach, seed, subsetsOf, versions } from '../support/seeds.js';
import { adsVariants } from './support/envoy-bootstrap.js';
import { type EnvoyMesh, joinEnvoy, refusals } from './support/envoy-mesh.js';
import { steadyLoad } from './support/steady-load.js';

const keep = closeAfterEach();

const clusterOf = (name: string, subset = '') => `outbound|80|${subset}|${name}.default.svc.cluster.local`;

async function counts({ envoy }: EnvoyMesh, host: string, calls = 1000): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  await inParallel(calls, 8, async () => {
    const answer = await envoy.answer(host);
    seen[answer] = (seen[answer] ?? 0) + 1;
  });
  return seen;
}

/** Whether a share of 1000 is within five standard deviations of what is wanted. */
function isShare(count: number | undefined, wanted: number): boolean {
  return Math.abs((count ?? 0) - 1000 * wanted) <= 5 * Math.sqrt(1000 * wanted * (1 - wanted));
}

describe.each(adsVariants)('An Envoy over ADS by %s', (variant) => {
  async function canary() {
    const folder = keep(new ConfigFolder());
    const backends = await versions(keep, 'helloapp', 'v1', 'v2');
    folder.write('service.yaml', serviceYaml('helloapp', backends));
    folder.write('canary.yaml', seed('02-canary-90-10'));
    const mesh = await joinEnvoy(keep, folder, variant);
    return { folder, backends, mesh };
  }

  it('gets listeners, routes, clusters and endpoints, and accepts them', async () => {
    const { mesh } = await canary();
    const { envoy } = mesh;
    const stats = await envoy.stats();
    for (const subset of ['', 'v1', 'v2']) {
      const prefix = `cluster.${clusterOf('helloapp', subset)}`;
      expect(stats.get(`${prefix}.membership_healthy`), subset).toBe(subset === '' ? 2 : 1);
      expect(stats.get(`${prefix}.update_success`), subset).toBeGreaterThan(0);
    }
    expect(stats.get('listener_manager.lds.update_success')).toBeGreaterThan(0);
    expect(stats.get('listener_manager.total_listeners_active')).toBeGreaterThan(0);
    expect(stats.get('cluster_manager.cds.update_success')).toBeGreaterThan(0);
    expect(stats.get(envoy.ofProxy('rds.http_proxy.update_success'))).toBeGreaterThan(0);
    const dump = JSON.stringify(await envoy.configDump());
    for (const version of ['v1', 'v2']) {
      expect(dump).toMatch(new RegExp(`"cluster_name":"[^"]*\\|${version}\\|helloapp\\.default\\.svc`));
    }
    expect(await refusals(mesh)).toEqual([]);
  });

  it('routes the seed canary 90/10, and 50/50 after a save', async () => {
    const { folder, mesh } = await canary();
    const before = await counts(mesh, 'helloapp');
    expect(Object.keys(before).sort()).toEqual(['200 v1', '200 v2']);
    expect(isShare(before['200 v2'], 0.1), JSON.stringify(before)).toBe(true);
    const updates = () => mesh.envoy.stat(mesh.envoy.ofProxy('rds.http_proxy.update_success'));
    const first = await updates();
    folder.write(
      'canary.yaml',
      seed('02-canary-90-10').replace('weight: 90', 'weight: 50').replace('weight: 10', 'weight: 50'),
    );
    await mesh.envoy.waitFor('the new weights', async () => (await updates()) > first);
    const after = await counts(mesh, 'helloapp');
    expect(isShare(after['200 v2'], 0.5), JSON.stringify(after)).toBe(true);
    expect(await refusals(mesh)).toEqual([]);
  });

  it('follows endpoints that come and go, without a failed call', async () => {
    const folder = keep(new ConfigFolder());
    const [a, b, c] = await versions(keep, 'reviews', 'a', 'b', 'c');
    folder.write('reviews.yaml', serviceYaml('reviews', [a!, b!]));
    const mesh = await joinEnvoy(keep, folder, variant);
    const { envoy } = mesh;
    const load = steadyLoad(envoy, 'reviews');
    await envoy.waitFor('calls', () => load.answers.length > 20);
    folder.write('reviews.yaml', serviceYaml('reviews', [b!, c!]));
    await envoy.waitFor('the new endpoint', () => load.answers.includes('200 c'));
    const since = load.answers.length;
    await envoy.waitFor('later calls', () => load.answers.length > since + 20);
    expect(await load.stop()).toEqual([]);
    expect(new Set(load.answers.slice(since + 5))).toEqual(new Set(['200 b', '200 c']));
    expect(await refusals(mesh)).toEqual([]);
  });

  it('loses what is removed, and no call of what stays', async () => {
    const { folder, mesh } = await canary();
    const { envoy } = mesh;
    folder.write('gone.yaml', serviceYaml('gone', await versions(keep, 'gone', 'present')));
    await envoy.waitFor('the new service', async () => (await envoy.answer('gone')) === '200 present');
    const load = steadyLoad(envoy, 'helloapp');
    await envoy.waitFor('calls of v2', () => load.answers.includes('200 v2'));
    folder.remove('gone.yaml');
    folder.write('canary.yaml', subsetsOf('helloapp').replace(/.*v2.*/, ''));
    const clusters = async () => [...(await envoy.stats('cluster.outbound')).keys()].join('\n');
    await envoy.waitFor('the removal', async () => !/gone|\|v2\|/.test(await clusters()));
    expect(await load.stop()).toEqual([]);
    expect(await envoy.answer('gone')).not.toContain('present');
    expect(await refusals(mesh)).toEqual([]);
  });

  it('keeps what it has when a broken file is saved, and takes the file once it is mended', async () => {
    const { folder, backends, mesh } = await canary();
    const { envoy, server } = mesh;
    const before = JSON.stringify((await server.clients()).map(({ types }) => types));
    folder.write('canary.yaml', seed('02-canary-90-10').replace('hosts: [helloapp]', 'hosts: [helloapp'));
    await envoy.waitFor('the error', () => server.lines.some((line) => /canary\.yaml:\d+:\d+: error: /.test(line)));
    const seen = await counts(mesh, 'helloapp');
    expect(Object.keys(seen).sort()).toEqual(['200 v1', '200 v2']);
    expect(isShare(seen['200 v2'], 0.1), JSON.stringify(seen)).toBe(true);
    expect(JSON.stringify((await server.clients()).map(({ types }) => types))).toBe(before);
    folder.write('service.yaml', serviceYaml('helloapp', backends.slice(1)));
    folder.write('canary.yaml', subsetsOf('helloapp'));
    await envoy.waitFor('the mended file', async () => (await envoy.answer('helloapp')) === '200 v2');
  });
});
