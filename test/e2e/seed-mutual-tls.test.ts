import { once } from 'node:events';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { MeshAuthority } from '../support/mesh-authority.js';
import { scanForSecrets } from '../support/secret-scan.js';
import { answerOf, closeAfterEach, joinMesh, seed, sources } from '../support/seeds.js';

const keep = closeAfterEach();
const scan = scanForSecrets();
const authority = new MeshAuthority();

it.each(sources)('seed 09 from %s: every local host by mutual TLS, the legacy one in plain text', async (source) => {
  const folder = keep(new ConfigFolder());
  folder.write('seed.yaml', seed('09-mutual-tls'));
  const join = async (serviceAccount: string) => {
    const identity = keep(new IdentityFolder(authority.issue(serviceAccount)));
    const mesh = await joinMesh(keep, folder, source, { identity: identity.path, logger: scan.logger });
    scan.watch(mesh);
    return mesh;
  };
  const callers: (string | undefined)[] = [];
  const webapp = (await join('webapp')).createServer((req, res) => {
    callers.push(req.mesh?.peer?.spiffeId);
    res.end('webapp');
  });
  webapp.listen(0, '127.0.0.1');
  await once(webapp, 'listening');
  keep({ close: async () => webapp.close().closeAllConnections() });
  const { port } = webapp.address() as AddressInfo;
  const httpbin = keep(await startBackend('httpbin', 'legacy'));
  const plain = keep(await startBackend('plain', 'v1'));
  folder.write('webapp.yaml', serviceYaml('webapp', [{ app: 'webapp', version: 'v1', port }]));
  folder.write('httpbin.yaml', serviceYaml('httpbin', [httpbin], { namespace: 'legacy' }));
  folder.write('plain.yaml', serviceYaml('plain', [plain]));

  const shop = await join('shop');
  await expect.poll(() => answerOf(shop, 'http://webapp/').catch(String), { timeout: 5000 }).toBe('200 webapp');
  expect(await answerOf(shop, 'http://webapp.default.svc.cluster.local/')).toBe('200 webapp');
  expect(new Set(callers)).toEqual(new Set(['spiffe://cluster.local/ns/default/sa/shop']));
  expect(await answerOf(shop, 'http://httpbin.legacy/')).toBe('200 legacy');
  await expect(shop.fetch('http://plain/')).rejects.toMatchObject({
    reason: 'upstream_connection_failure',
    hint: expect.stringContaining('plain text'),
  });
  expect(plain.requests).toEqual([]);

  const seen = callers.length;
  const plainText = get({ host: '127.0.0.1', port, agent: false });
  await expect(once(plainText, 'response')).rejects.toThrow('socket hang up');
  expect(callers).toHaveLength(seen);
});
