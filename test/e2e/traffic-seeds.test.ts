import { createMesh } from 'inmesh';
import { FakeClock } from 'inmesh/testing';
import { describe, expect, it } from 'vitest';
import { FakeDnsServer } from '../../packages/sdk/test/support/fake-dns-server.js';
import { startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { answerOf, closeAfterEach, joinMesh, seed, sources, versions } from '../support/seeds.js';

const keep = closeAfterEach();

const reasonOf = (error: { reason?: string }) => error.reason;

describe.each(sources)('from %s', (source) => {
  it('01 sends /nestjs and /nodejs on without the prefix, and everything else to base as it is', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('envoy.yaml', seed('01-envoy-prefix-routes'));
    const dns = keep(await FakeDnsServer.start());
    const hosts = { service_1: 8786, service_2: 8789, service_4: 8792, service_5: 8793 };
    const paths: string[] = [];
    for (const [index, [host, port]] of Object.entries(hosts).entries()) {
      const address = `127.0.8.${index + 1}`;
      dns.setA(host, [address]);
      const record = (url: string | undefined) => paths.push(`${host} ${url}`);
      keep(
        await startBackend(host, '', (request, response) => response.end(String(record(request.url))), port, address),
      );
    }
    const servers = [`${dns.server.address}:${dns.server.port}`];
    const mesh = await joinMesh(keep, folder, source, { dns: { servers, search: [], ndots: 1 } });
    const get = async (path: string) => {
      paths.length = 0;
      await (await mesh.fetch(`http://envoy:8080${path}`)).text();
      return paths[0];
    };
    expect(await get('/nestjs/x?q=1')).toBe('service_5 /x?q=1');
    expect(await get('/nodejs/x')).toBe('service_4 /x');
    expect(await get('/nestjs')).toBe('service_5 /');
    const base = new Set([await get('/other/nestjs'), await get('/other/nestjs')]);
    expect(base).toEqual(new Set(['service_1 /other/nestjs', 'service_2 /other/nestjs']));
  });

  it('04 sends every request to v1 and a copy to v2, whatever becomes of the copy', async () => {
    const folder = keep(new ConfigFolder());
    const v1 = keep(await startBackend('service2', 'v1'));
    const v2 = keep(await startBackend('service2', 'v2', (_, response) => response.writeHead(500).end('shadow')));
    folder.write('service.yaml', serviceYaml('service2', [v1, v2]));
    folder.write('mirror.yaml', seed('04-mirroring'));
    const mesh = await joinMesh(keep, folder, source);
    for (let i = 0; i < 20; i += 1) expect(await answerOf(mesh, `http://service2/${i}`)).toBe('200 v1');
    const body = JSON.stringify({ order: 1 });
    await (await mesh.fetch('http://service2/post', { method: 'POST', body })).text();
    await expect.poll(() => v2.requests.length).toBe(21);
    expect(v1.requests).toHaveLength(21);
    expect(new Set(v2.requests.map(({ headers }) => headers.host))).toEqual(new Set(['service2-shadow']));
    expect(v2.requests.map(({ url }) => url).sort()).toEqual(v1.requests.map(({ url }) => url).sort());
    await v2.close();
    expect(await answerOf(mesh, 'http://service2/')).toBe('200 v1');
  });

  it('05 keeps requests with one value of the header on one endpoint, and spreads the values', async () => {
    const folder = keep(new ConfigFolder());
    const backends = await versions(keep, 'service2', 'a', 'b', 'c', 'd');
    folder.write('service.yaml', serviceYaml('service2', backends));
    folder.write('hash.yaml', seed('05-consistent-hash'));
    const mesh = await joinMesh(keep, folder, source);
    const used = new Set<string>();
    for (let value = 0; value < 30; value += 1) {
      const answers = new Set<string>();
      for (let i = 0; i < 5; i += 1) answers.add(await answerOf(mesh, 'http://service2/', { version: `v${value}` }));
      expect(answers.size).toBe(1);
      used.add([...answers][0]!);
    }
    expect(used.size).toBe(4);
  });

  it('07 has one connection and one place to wait, and the third request fails at once', async () => {
    const folder = keep(new ConfigFolder());
    let release: (() => void) | undefined;
    const slow = keep(
      await startBackend('reviews', 'v1', (_, response) => {
        release = () => response.end('served');
      }),
    );
    folder.write('service.yaml', serviceYaml('reviews', [slow]));
    folder.write('breaker.yaml', seed('07-circuit-breaker-outlier'));
    const mesh = await joinMesh(keep, folder, source);
    const served = answerOf(mesh, 'http://reviews/1');
    await expect.poll(() => slow.requests.length).toBe(1);
    const waiting = answerOf(mesh, 'http://reviews/2');
    await expect(mesh.fetch('http://reviews/3')).rejects.toMatchObject({ reason: 'upstream_overflow', flag: 'UO' });
    release!();
    expect(await served).toBe('200 served');
    await expect.poll(() => slow.requests.length).toBe(2);
    release!();
    expect(await waiting).toBe('200 served');
  });

  it('07 ejects an endpoint after two errors, for three minutes', async () => {
    const folder = keep(new ConfigFolder());
    const bad = keep(await startBackend('reviews', 'bad', (_, response) => response.writeHead(500).end('bad')));
    const good = keep(await startBackend('reviews', 'good'));
    folder.write('service.yaml', serviceYaml('reviews', [bad, good]));
    folder.write('breaker.yaml', seed('07-circuit-breaker-outlier'));
    const clock = new FakeClock();
    const mesh = keep(await createMesh({ config: folder.path, clock }));
    await mesh.ready();
    const badRequests = async () => {
      for (let i = 0; i < 50; i += 1) await answerOf(mesh, 'http://reviews/');
      return bad.requests.length;
    };
    expect(await badRequests()).toBe(2);
    clock.advance(178_000);
    expect(await badRequests()).toBe(2);
    clock.advance(4000);
    expect(await badRequests()).toBe(4);
  });

  it('13 sends what comes to the edge to the services, for clients that the Gateway selects', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('service1.yaml', serviceYaml('service1', await versions(keep, 'service1', 'one')));
    folder.write('service2.yaml', serviceYaml('service2', await versions(keep, 'service2', 'two')));
    folder.write('edge.yaml', seed('13-gateway-prefixes'));
    const edge = await joinMesh(keep, folder, source, { labels: { istio: 'ingressgateway' } });
    const server = edge.createServer(async (request, response) => {
      const inner = await edge.fetch(`http://${request.headers.host!.split(':')[0]}${request.url}`);
      response.statusCode = inner.status;
      response.end(await inner.text());
    });
    server.listen(0, '127.0.0.1');
    keep({
      close: async () => {
        server.close();
        server.closeAllConnections();
      },
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    expect(await get('/service1/a')).toBe('200 one');
    expect(await get('/service2')).toBe('200 two');
    expect(await get('/service3')).toMatch(/^404 /);
  });
});

describe('08 in a folder, on a clock that is moved', () => {
  async function ratings(respond: boolean) {
    const folder = keep(new ConfigFolder());
    const backend = keep(
      await startBackend('ratings', 'v1', (_, response) => {
        if (respond) response.end('rated');
      }),
    );
    folder.write('service.yaml', serviceYaml('ratings', [backend]));
    folder.write('faults.yaml', seed('08-fault-injection'));
    const clock = new FakeClock();
    const mesh = await joinMesh(keep, folder, 'a folder', { clock });
    const send = (user: string, count: number) => {
      const ended: unknown[] = [];
      for (let i = 0; i < count; i += 1) {
        const headers = { 'end-user': user };
        mesh.fetch('http://ratings/', { headers }).then(
          async (response) => ended.push(`${response.status} ${await response.text()}`),
          (error) => ended.push(reasonOf(error)),
        );
      }
      return ended;
    };
    return { backend, clock, send };
  }

  it('delays 40 % of the requests of bar by 5 s, and counts their timeout of 2 s after that', async () => {
    const { backend, clock, send } = await ratings(false);
    const ended = send('bar', 200);
    await expect.poll(() => backend.requests.length, { interval: 50 }).toBeGreaterThan(90);
    const undelayed = await settled(() => backend.requests.length);
    expect(Math.abs(undelayed - 120)).toBeLessThan(30);
    clock.advance(2000);
    await expect.poll(() => ended.length).toBe(undelayed);
    clock.advance(3000);
    await expect.poll(() => backend.requests.length).toBe(200);
    clock.advance(1999);
    expect(await settled(() => ended.length)).toBe(undelayed);
    clock.advance(1);
    await expect.poll(() => ended.length).toBe(200);
    expect(new Set(ended)).toEqual(new Set(['upstream_request_timeout']));
  });

  it('answers 20 % of the requests of foo with 500, and asks nobody for them', async () => {
    const { backend, send } = await ratings(true);
    const ended = send('foo', 1000);
    await expect.poll(() => ended.length, { timeout: 10_000 }).toBe(1000);
    const aborted = ended.filter((answer) => answer === '500 fault filter abort').length;
    expect(Math.abs(aborted - 200)).toBeLessThan(60);
    expect(ended.filter((answer) => answer === '200 rated')).toHaveLength(1000 - aborted);
    expect(backend.requests).toHaveLength(1000 - aborted);
  });

  it('gives everyone else 4 s', async () => {
    const { backend, clock, send } = await ratings(false);
    const ended = send('ann', 3);
    await expect.poll(() => backend.requests.length).toBe(3);
    clock.advance(3999);
    expect(await settled(() => ended.length)).toBe(0);
    clock.advance(1);
    await expect.poll(() => ended).toEqual(Array(3).fill('upstream_request_timeout'));
  });
});

/** The count once it has stood still for some turns of the event loop with their I/O. */
async function settled(count: () => number): Promise<number> {
  for (let still = 0, last = count(); still < 50; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (count() === last) continue;
    last = count();
    still = 0;
  }
  return count();
}
