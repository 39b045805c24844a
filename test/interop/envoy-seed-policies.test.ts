import { describe, expect, it } from 'vitest';
import { startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { closeAfterEach, seed, versions } from '../support/seeds.js';
import { joinEnvoy } from './support/envoy-mesh.js';

const keep = closeAfterEach();

const reviews = 'cluster.outbound|80||reviews.default.svc.cluster.local';

async function envoyOf(files: Record<string, string>) {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return (await joinEnvoy(keep, folder, 'GRPC')).envoy;
}

describe('A seed through Envoy', () => {
  it('04 sends every request to v1 and a copy to v2, whatever becomes of the copy', async () => {
    const v1 = keep(await startBackend('service2', 'v1'));
    const v2 = keep(await startBackend('service2', 'v2', (_, response) => response.writeHead(500).end('shadow')));
    const files = { 'service.yaml': serviceYaml('service2', [v1, v2]), 'mirror.yaml': seed('04-mirroring') };
    const envoy = await envoyOf(files);
    for (let i = 0; i < 20; i += 1) expect(await envoy.answer('service2', `/${i}`)).toBe('200 v1');
    await envoy.waitFor('the copies', () => v2.requests.length === 20);
    expect(v1.requests).toHaveLength(20);
    expect(new Set(v2.requests.map(({ headers }) => headers.host))).toEqual(new Set(['service2-shadow']));
    expect(v2.requests.map(({ url }) => url).sort()).toEqual(v1.requests.map(({ url }) => url).sort());
  });

  it('07 has one connection and one place to wait, and the third request fails at once', async () => {
    const release: (() => void)[] = [];
    const slow = keep(
      await startBackend('reviews', 'v1', (_, response) => void release.push(() => response.end('served'))),
    );
    const breaker = seed('07-circuit-breaker-outlier');
    const envoy = await envoyOf({ 'service.yaml': serviceYaml('reviews', [slow]), 'breaker.yaml': breaker });
    const served = envoy.answer('reviews', '/1');
    await envoy.waitFor('the first request', () => release.length === 1);
    const waiting = envoy.answer('reviews', '/2');
    const pending = async () => (await envoy.stat(`${reviews}.upstream_rq_pending_active`)) === 1;
    await envoy.waitFor('the second request', pending);
    expect(await envoy.answer('reviews', '/3')).toMatch(/^503 .*overflow/);
    release[0]!();
    expect(await served).toBe('200 served');
    await envoy.waitFor('the second connection', () => release.length === 2);
    release[1]!();
    expect(await waiting).toBe('200 served');
  });

  it('07 ejects an endpoint after two errors', async () => {
    const bad = keep(await startBackend('reviews', 'bad', (_, response) => response.writeHead(500).end('bad')));
    const good = keep(await startBackend('reviews', 'good'));
    const breaker = seed('07-circuit-breaker-outlier');
    const envoy = await envoyOf({ 'service.yaml': serviceYaml('reviews', [bad, good]), 'breaker.yaml': breaker });
    const answers: string[] = [];
    for (let i = 0; i < 50; i += 1) answers.push(await envoy.answer('reviews'));
    expect(answers.filter((answer) => answer === '500 bad')).toHaveLength(2);
    expect(answers.filter((answer) => answer === '200 good')).toHaveLength(48);
    expect(await envoy.stat(`${reviews}.outlier_detection.ejections_active`)).toBe(1);
  });

  it('14 balances over every pod of a headless Service', async () => {
    const name = 'stateless-flask-headless-service';
    const pods = await versions(keep, 'stateless-flask', 'p1', 'p2', 'p3');
    const slices = serviceYaml(name, pods, { namespace: 'stateless-flask', port: 5000 }).split('\n---\n').slice(1);
    const files = { 'headless.yaml': seed('14-headless-service'), 'slices.yaml': slices.join('\n---\n') };
    const envoy = await envoyOf(files);
    const seen = new Set<string>();
    for (let i = 0; i < 60; i += 1) seen.add(await envoy.answer(`${name}.stateless-flask:5000`));
    expect([...seen].sort()).toEqual(['200 p1', '200 p2', '200 p3']);
  });
});
