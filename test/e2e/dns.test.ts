import { createMesh, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { FakeDnsServer } from '../../packages/sdk/test/support/fake-dns-server.js';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

const podName = 'flask.stateless.svc.cluster.local';
const search = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];

/** Pods on one port and several loopback addresses, as a headless Service has them. */
async function pods(addresses: readonly string[]): Promise<{ port: number; backends: Backend[] }> {
  const first = keep(await startBackend('flask', addresses[0]!, undefined, 0, addresses[0]));
  const rest = await Promise.all(
    addresses
      .slice(1)
      .map(async (address) => keep(await startBackend('flask', address, undefined, first.port, address))),
  );
  return { port: first.port, backends: [first, ...rest] };
}

async function joinByDns(dns: FakeDnsServer, options: { config?: string } = {}): Promise<Mesh> {
  return keep(
    await createMesh({ ...options, dns: { servers: [`${dns.server.address}:${dns.server.port}`], search, ndots: 5 } }),
  );
}

async function seen(mesh: Mesh, url: string, count: number): Promise<Set<string>> {
  const answers = new Set<string>();
  for (let i = 0; i < count; i += 1) answers.add(await (await mesh.fetch(url)).text());
  return answers;
}

describe('with DNS alone', () => {
  it('a short name is completed as in a pod, and calls go to every address of a headless Service', async () => {
    const dns = keep(await FakeDnsServer.start());
    const { port } = await pods(['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    dns.setA(podName, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    const mesh = await joinByDns(dns);
    expect(await seen(mesh, `http://flask.stateless:${port}/`, 60)).toEqual(
      new Set(['127.0.0.1', '127.0.0.2', '127.0.0.3']),
    );
  });

  it('a new record is used within its TTL and a vanished one no longer, with no failed call', async () => {
    const dns = keep(await FakeDnsServer.start());
    const { port } = await pods(['127.0.0.1', '127.0.0.2']);
    dns.setA(podName, ['127.0.0.1'], 1);
    const mesh = await joinByDns(dns);
    const url = `http://${podName}:${port}/`;
    expect(await seen(mesh, url, 5)).toEqual(new Set(['127.0.0.1']));
    dns.setA(podName, ['127.0.0.2'], 1);
    await expect.poll(() => seen(mesh, url, 1), { timeout: 5000 }).toEqual(new Set(['127.0.0.2']));
    expect(await seen(mesh, url, 20)).toEqual(new Set(['127.0.0.2']));
  });

  it('the last good answer serves through SERVFAIL, silence and NXDOMAIN', async () => {
    const dns = keep(await FakeDnsServer.start());
    const { port } = await pods(['127.0.0.1']);
    dns.setA(podName, ['127.0.0.1'], 1);
    const mesh = await joinByDns(dns);
    const url = `http://${podName}:${port}/`;
    await seen(mesh, url, 1);
    for (const mode of ['servfail', 'drop', 'nxdomain'] as const) {
      const asked = dns.countOf(podName);
      dns.setMode(podName, mode);
      await expect.poll(() => dns.countOf(podName), { timeout: 10_000 }).toBeGreaterThan(asked + 1);
      expect(await seen(mesh, url, 10)).toEqual(new Set(['127.0.0.1']));
    }
  }, 40_000);

  it('the SRV record of a named port gives addresses and ports', async () => {
    const dns = keep(await FakeDnsServer.start());
    const a = await pods(['127.0.0.1']);
    const b = await pods(['127.0.0.2']);
    dns.setSrv(`_http._tcp.${podName}`, [
      { target: `a.${podName}`, port: a.port },
      { target: `b.${podName}`, port: b.port },
    ]);
    dns.setA(`a.${podName}`, ['127.0.0.1']);
    dns.setA(`b.${podName}`, ['127.0.0.2']);
    const mesh = await joinByDns(dns);
    expect(await seen(mesh, `http://_http._tcp.${podName}/`, 40)).toEqual(new Set(['127.0.0.1', '127.0.0.2']));
  });

  it('a name that does not exist fails the call with the reason', async () => {
    const dns = keep(await FakeDnsServer.start());
    const mesh = await joinByDns(dns);
    await expect(mesh.fetch('http://nobody.example/')).rejects.toMatchObject({
      reason: 'no_healthy_upstream',
      message: expect.stringContaining('DNS gave no address for nobody.example'),
    });
  });
});

describe('a ServiceEntry with resolution DNS', () => {
  it('is resolved by the caller, policies applied', async () => {
    const dns = keep(await FakeDnsServer.start());
    const folder = keep(new ConfigFolder());
    const { port } = await pods(['127.0.0.1', '127.0.0.2']);
    dns.setA('legacy.example', ['127.0.0.1', '127.0.0.2']);
    folder.write(
      'entry.yaml',
      `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: legacy }
spec:
  hosts: [legacy.example]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${port} }]
  resolution: DNS
`,
    );
    const mesh = await joinByDns(dns, { config: folder.path });
    await mesh.ready();
    expect(mesh.explain('http://legacy.example/').action?.clusters?.[0]?.endpoints).toHaveLength(2);
    expect(await seen(mesh, 'http://legacy.example/', 40)).toEqual(new Set(['127.0.0.1', '127.0.0.2']));
  });
});
