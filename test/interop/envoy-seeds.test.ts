import { describe, expect, it } from 'vitest';
import { FakeDnsServer } from '../../packages/sdk/test/support/fake-dns-server.js';
import { startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { answerOf, closeAfterEach, joinMesh, seed, subsetsOf, versions } from '../support/seeds.js';
import { joinEnvoy } from './support/envoy-mesh.js';

const keep = closeAfterEach();

const clusterOf = (name: string) => `cluster.outbound|80||${name}.default.svc.cluster.local`;

/** Whether a count of `all` is within five standard deviations of its share. */
const isShare = (count: number, all: number, share: number) =>
  Math.abs(count - all * share) <= 5 * Math.sqrt(all * share * (1 - share));

const roundRobin = (host: string) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host} }
spec: { host: ${host}, trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }
`;

async function envoyOf(files: Record<string, string>, options: Parameters<typeof joinEnvoy>[3] = {}) {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const { envoy } = await joinEnvoy(keep, folder, 'DELTA_GRPC', options);
  return { envoy, folder };
}

describe('A seed through Envoy', () => {
  it('03 sends only requests with internal-testing: True to v2', async () => {
    const service = serviceYaml('helloapp', await versions(keep, 'helloapp', 'v1', 'v2'));
    const rules = `${seed('03-testing-in-production')}\n---\n${subsetsOf('helloapp')}`;
    const { envoy } = await envoyOf({ 'service.yaml': service, 'testing.yaml': rules });
    for (let i = 0; i < 10; i += 1) {
      expect(await envoy.answer('helloapp', '/', { 'internal-testing': 'True' })).toBe('200 v2');
      expect(await envoy.answer('helloapp', '/', { 'internal-testing': 'true' })).toBe('200 v1');
      expect(await envoy.answer('helloapp.default.svc.cluster.local')).toBe('200 v1');
      expect(await envoy.answer('helloapp.default.svc.cluster.local.')).toBe('200 v1');
    }
  });

  it('05 keeps one value of the header on the endpoint that the SDK takes for it', async () => {
    const service = serviceYaml('service2', await versions(keep, 'service2', 'a', 'b', 'c', 'd'));
    const { envoy, folder } = await envoyOf({ 'service.yaml': service, 'hash.yaml': seed('05-consistent-hash') });
    const mesh = await joinMesh(keep, folder, 'a folder');
    const used = new Set<string>();
    for (let value = 0; value < 200; value += 1) {
      const headers = { version: `v${value}` };
      const answer = await envoy.answer('service2', '/', headers);
      expect(await answerOf(mesh, 'http://service2/', headers), `v${value}`).toBe(answer);
      used.add(answer);
    }
    expect([...used].sort()).toEqual(['200 a', '200 b', '200 c', '200 d']);
  });

  it('06 tries five times more, and on an endpoint that lives when there is one', async () => {
    const dead = await Promise.all(['a', 'b', 'c'].map((name) => startBackend('service2', name)));
    for (const backend of dead) await backend.close();
    // Least request prefers the dead, who have nothing to do: six draws can then all miss the fourth.
    const inTurn = `${seed('06-retries')}\n---\n${roundRobin('service2')}`;
    const files = { 'service.yaml': serviceYaml('service2', dead), 'retries.yaml': inTurn };
    const { envoy, folder } = await envoyOf(files);
    expect(await envoy.answer('service2')).toMatch(/^503 /);
    const stats = await envoy.stats(clusterOf('service2'));
    expect(stats.get(`${clusterOf('service2')}.upstream_rq_retry`)).toBe(5);
    expect(stats.get(`${clusterOf('service2')}.upstream_rq_retry_limit_exceeded`)).toBe(1);
    const alive = await versions(keep, 'service2', 'alive');
    folder.write('service.yaml', serviceYaml('service2', [...dead, ...alive]));
    const hosts = async () => (await envoy.stat(`${clusterOf('service2')}.membership_total`)) === 4;
    await envoy.waitFor('the fourth endpoint', hosts);
    for (let i = 0; i < 20; i += 1) expect(await envoy.answer('service2')).toBe('200 alive');
  });

  it('08 delays 40 % of bar, answers 20 % of foo with 500, and gives everyone else 4 s', async () => {
    const backend = keep(
      await startBackend('ratings', 'v1', ({ url }, response) => {
        if (url !== '/hangs') response.end('rated');
      }),
    );
    const files = { 'service.yaml': serviceYaml('ratings', [backend]), 'faults.yaml': seed('08-fault-injection') };
    const { envoy } = await envoyOf(files);
    const hung = envoy.answer('ratings', '/hangs', { 'end-user': 'ann' });
    const foo = await Promise.all(
      Array.from({ length: 500 }, () => envoy.answer('ratings', '/', { 'end-user': 'foo' })),
    );
    const aborted = foo.filter((answer) => answer === '500 fault filter abort').length;
    expect(isShare(aborted, 500, 0.2), `${aborted} of 500`).toBe(true);
    expect(foo.filter((answer) => answer === '200 rated')).toHaveLength(500 - aborted);
    let undelayed = 0;
    const bar = Array.from({ length: 200 }, () =>
      envoy.answer('ratings', '/', { 'end-user': 'bar' }).then((answer) => {
        undelayed += 1;
        return answer;
      }),
    );
    const delays = () => envoy.stat(envoy.ofProxy('fault.delays_injected'));
    await envoy.waitFor('what is not delayed', async () => undelayed + (await delays()) >= 200);
    expect(isShare(await delays(), 200, 0.4), `${await delays()} of 200`).toBe(true);
    expect(new Set(await Promise.all(bar))).toEqual(new Set(['200 rated']));
    expect(await hung).toBe('504 upstream request timeout');
  });

  it('13 sends what comes to the edge to the services', async () => {
    const services = {
      'service1.yaml': serviceYaml('service1', await versions(keep, 'service1', 'one')),
      'service2.yaml': serviceYaml('service2', await versions(keep, 'service2', 'two')),
    };
    const metadata = { LABELS: { istio: 'ingressgateway' } };
    const { envoy } = await envoyOf({ ...services, 'edge.yaml': seed('13-gateway-prefixes') }, { metadata });
    expect(await envoy.answer('shop.example', '/service1/a')).toBe('200 one');
    expect(await envoy.answer('shop.example', '/service2')).toBe('200 two');
    expect(await envoy.answer('shop.example', '/service3')).toBe('502 ');
  });

  it('15 shows v2 to jason and v1 to everyone else, and follows when the subsets are swapped', async () => {
    const service = serviceYaml('reviews', await versions(keep, 'reviews', 'v1', 'v2'), { port: 9080 });
    const blueGreen = `${seed('15-bookinfo-by-user')}\n---\n${subsetsOf('reviews')}`;
    const { envoy, folder } = await envoyOf({ 'service.yaml': service, 'reviews.yaml': blueGreen });
    const jason = () => envoy.answer('reviews:9080', '/reviews/7', { 'end-user': 'jason' });
    const ann = () => envoy.answer('reviews:9080', '/reviews/7', { 'end-user': 'ann' });
    expect([await jason(), await ann()]).toEqual(['200 v2', '200 v1']);
    folder.write(
      'reviews.yaml',
      blueGreen.replaceAll(/subset: v([12])/g, (_, version) => `subset: v${3 - Number(version)}`),
    );
    await envoy.waitFor('the swap', async () => (await jason()) === '200 v1');
    expect(await ann()).toBe('200 v2');
  });
});

describe('01, a file of Envoy itself, through Envoy', () => {
  it('sends /nestjs and /nodejs on without the prefix, and everything else to base as it is', async () => {
    const dns = keep(await FakeDnsServer.start());
    const hosts = { service_1: 8786, service_2: 8789, service_4: 8792, service_5: 8793 };
    for (const [index, [host, port]] of Object.entries(hosts).entries()) {
      const address = `127.0.9.${index + 1}`;
      dns.setA(host, [address]);
      keep(await startBackend(host, '', ({ url }, response) => response.end(`${host} ${url}`), port, address));
    }
    const server = `${dns.server.address}:${dns.server.port}`;
    const { envoy } = await envoyOf({ 'envoy.yaml': seed('01-envoy-prefix-routes') }, { dns: server });
    const get = (path: string) => envoy.answer('envoy:8080', path);
    expect(await get('/nestjs/x?q=1')).toBe('200 service_5 /x?q=1');
    expect(await get('/nodejs/x')).toBe('200 service_4 /x');
    expect(await get('/nestjs')).toBe('200 service_5 /');
    const base = new Set([await get('/other/nestjs'), await get('/other/nestjs')]);
    expect(base).toEqual(new Set(['200 service_1 /other/nestjs', '200 service_2 /other/nestjs']));
  });
});
