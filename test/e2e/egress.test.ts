import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { FakeDnsServer } from '../../packages/sdk/test/support/fake-dns-server.js';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

const registryOnly = `---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`;

interface World {
  readonly mesh: Mesh;
  readonly known: Backend;
  readonly other: Backend;
  readonly dns: FakeDnsServer;
  readonly folder: ConfigFolder;
}

/** `reviews` is configured; `other.example.com` is a host that DNS knows. */
async function world(text: string, options: MeshOptions = {}): Promise<World> {
  const known = keep(await startBackend('reviews', 'known'));
  const other = keep(await startBackend('other', 'other'));
  const dns = keep(await FakeDnsServer.start());
  dns.setA('other.example.com', ['127.0.0.1']);
  dns.setA('api.other.example.com', ['127.0.0.1']);
  const folder = keep(new ConfigFolder());
  folder.write('reviews.yaml', serviceYaml('reviews', [known]));
  folder.write('more.yaml', text.replaceAll('PORT', String(other.port)));
  const servers = [`${dns.server.address}:${dns.server.port}`];
  const mesh = keep(await createMesh({ config: folder.path, dns: { servers }, ...options }));
  await mesh.ready();
  return { mesh, known, other, dns, folder };
}

async function get(mesh: Mesh, url: string, headers = {}): Promise<string> {
  const response = await mesh.fetch(url, { headers });
  return `${response.status} ${await response.text()}`;
}

describe('REGISTRY_ONLY', () => {
  it.each<[string, string, MeshOptions]>([
    ['by a Sidecar', registryOnly, {}],
    ['by an option', '', { egress: 'REGISTRY_ONLY' }],
  ])('%s answers 502 for a host that is not configured, and never dials it', async (_, text, options) => {
    const { mesh, other, dns } = await world(text, options);
    expect(await get(mesh, 'http://reviews/')).toBe('200 known');
    expect(await get(mesh, `http://other.example.com:${other.port}/`)).toBe('502 ');
    expect(await get(mesh, `http://127.0.0.1:${other.port}/`)).toBe('502 ');
    expect(await get(mesh, `https://other.example.com:${other.port}/`)).toBe('502 ');
    expect(other.requests).toEqual([]);
    expect(dns.countOf('other.example.com')).toBe(0);
  });

  it('goes by the URL when the Host header names nothing that is known', async () => {
    const { mesh } = await world(registryOnly);
    expect(await get(mesh, 'http://reviews/', { host: 'www.example.com' })).toBe('200 known');
  });

  it('comes and goes with the Sidecar', async () => {
    const { mesh, other, folder } = await world('');
    const url = `http://other.example.com:${other.port}/`;
    expect(await get(mesh, url)).toBe('200 other');
    folder.write('more.yaml', registryOnly);
    await expect.poll(() => get(mesh, url)).toBe('502 ');
    folder.write('more.yaml', '');
    await expect.poll(() => get(mesh, url)).toBe('200 other');
  });

  it('by an option holds without any configuration, too', async () => {
    const other = keep(await startBackend('other', 'other'));
    const mesh = keep(await createMesh({ egress: 'REGISTRY_ONLY' }));
    expect(await get(mesh, `http://127.0.0.1:${other.port}/`)).toBe('502 ');
    expect(other.requests).toEqual([]);
  });
});

const wildcard = `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: other }
spec: { hosts: ['*.example.com'], resolution: NONE, ports: [{ number: PORT, name: http, protocol: HTTP }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: other }
spec:
  hosts: ['*.example.com']
  http:
    - match: [{ uri: { prefix: /no } }]
      directResponse: { status: 418 }
    - route: [{ destination: { host: '*.example.com' } }]
`;

describe('A ServiceEntry of a wildcard without resolution', () => {
  it('lets DNS resolve what is dialled, by the rules for it', async () => {
    const { mesh, other } = await world(`${registryOnly}${wildcard}`);
    const [a, b] = ['other.example.com', 'api.other.example.com'].map((host) => `http://${host}:${other.port}`);
    expect(await get(mesh, `${a}/`)).toBe('200 other');
    expect(await get(mesh, `${b}/`)).toBe('200 other');
    expect(await get(mesh, `${b}/no`)).toBe('418 ');
    expect(other.requests.map(({ headers }) => headers.host)).toEqual([
      `other.example.com:${other.port}`,
      `api.other.example.com:${other.port}`,
    ]);
    expect(await get(mesh, 'http://other.test/')).toBe('502 ');
  });

  it('follows a change of its rules, and goes with them', async () => {
    const { mesh, other, folder } = await world(`${registryOnly}${wildcard}`);
    const url = `http://other.example.com:${other.port}/`;
    expect(await get(mesh, url)).toBe('200 other');
    folder.write('more.yaml', `${registryOnly}${wildcard}`.replaceAll('PORT', String(other.port)).replace('/no', '/'));
    await expect.poll(() => get(mesh, url)).toBe('418 ');
    folder.write('more.yaml', registryOnly);
    await expect.poll(() => get(mesh, url)).toBe('502 ');
    folder.write('more.yaml', `${registryOnly}${wildcard}`.replaceAll('PORT', String(other.port)));
    await expect.poll(() => get(mesh, url)).toBe('200 other');
  });
});
