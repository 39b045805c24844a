import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from '@inmesh/control-plane';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority } from '../support/mesh-authority.js';

const ruleYaml = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec: { host: reviews, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
`;

const silent = { info() {}, warn() {}, error() {} };

/** A service of the mesh; it tells who calls. */
async function reviewsOf(authority: MeshAuthority): Promise<number> {
  const identity = keep(new IdentityFolder(authority.issue('reviews')));
  const mesh = keep(await createMesh({ config: keep(new ConfigFolder()).path, identity: identity.path }));
  const server = mesh.createServer((req, res) => void res.end(req.mesh?.peer?.serviceAccount ?? 'plain text'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
  return (server.address() as AddressInfo).port;
}

function configOf(port: number): ConfigFolder {
  const config = keep(new ConfigFolder());
  config.write(
    'all.yaml',
    [serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]), ruleYaml].join('\n---\n'),
  );
  return config;
}

async function get(mesh: Mesh): Promise<string> {
  try {
    return await (await mesh.fetch('http://reviews/')).text();
  } catch (error) {
    const { cause = error } = error as Error;
    return String((cause as Error).message);
  }
}

describe('A workload whose configuration asks for mutual TLS', () => {
  it('sends nothing in plain text while it has no identity, and goes on when that has come', async () => {
    const authority = new MeshAuthority();
    const identity = keep(new IdentityFolder());
    const config = configOf(await reviewsOf(authority));
    const mesh = keep(await createMesh({ config: config.path, identity: identity.path }));
    await mesh.ready();
    expect(await get(mesh)).toContain('this workload has no identity');
    identity.swap(authority.issue('shop'));
    await expect.poll(() => get(mesh), { timeout: 10_000 }).toBe('shop');
  });

  it.each<[string, (folder: IdentityFolder) => void]>([
    ['is removed', (folder) => rmSync(join(folder.path, 'key.pem'))],
    ['is cut short', (folder) => folder.write('key.pem', '-----BEGIN PRIVATE KEY-----\nMIG')],
    ['is empty', (folder) => folder.write('key.pem', '')],
    ['is that of another certificate', (folder) => folder.write('key.pem', new MeshAuthority().issue('shop').key)],
  ])('goes on with what it had when its key %s, and says so', async (_what, spoil) => {
    const authority = new MeshAuthority();
    const identity = keep(new IdentityFolder(authority.issue('shop')));
    const config = configOf(await reviewsOf(authority));
    const mesh = keep(await createMesh({ config: config.path, identity: identity.path }));
    await mesh.ready();
    spoil(identity);
    await expect.poll(() => mesh.status().identity?.problem, { timeout: 10_000 }).toContain('key.pem');
    expect(await get(mesh)).toBe('shop');
  });

  it.each(['', 'garbage', '-----BEGIN CERTIFICATE-----\nMIIB'])(
    'does not trust the roots of the system when its own are %j',
    async (bundle) => {
      const authority = new MeshAuthority();
      const identity = keep(new IdentityFolder());
      const { chain, key } = authority.issue('shop');
      identity.swap({ chain, key, bundle });
      const config = configOf(await reviewsOf(authority));
      const mesh = keep(await createMesh({ config: config.path, identity: identity.path }));
      await mesh.ready();
      expect(await get(mesh)).toMatch(/this workload has no identity: .*root-cert.pem/);
    },
  );

  it('starts with a copy of its configuration and the files at hand, without config server or authority', async () => {
    const authority = new MeshAuthority();
    const port = await reviewsOf(authority);
    const identity = keep(new IdentityFolder(authority.issue('shop')));
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-copy-'));
    keep({ close: () => rmSync(folder, { recursive: true }) });
    const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
    const server = keep(await startControlPlane({ config: [configOf(port).path], logger: silent, ...ports }));
    const options: MeshOptions = {
      xds: server.addresses.xds,
      lastGoodCopy: join(folder, 'copy'),
      startTimeoutMs: 2000,
    };
    const first = await createMesh({ ...options, identity: identity.path });
    await first.ready();
    expect(await get(first)).toBe('shop');
    await first.close();
    await server.close();
    const second = keep(await createMesh({ ...options, identity: identity.path }));
    expect(await get(second)).toBe('shop');
    expect(second.status().problem).toContain('a copy of the last good configuration');
    const nobody = keep(await createMesh({ ...options, identity: keep(new IdentityFolder()).path }));
    expect(await get(nobody)).toContain('this workload has no identity');
  });

  it('has a connection to a plain text server of the same name fail, and no byte of a request sent', async () => {
    let text = '';
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    keep({ close: () => server.close() });
    const identity = keep(new IdentityFolder(new MeshAuthority().issue('shop')));
    const config = configOf((server.address() as AddressInfo).port);
    const mesh = keep(await createMesh({ config: config.path, identity: identity.path }));
    await mesh.ready();
    expect(await get(mesh)).not.toBe('plain');
    expect(text).not.toContain('GET');
  });
});
