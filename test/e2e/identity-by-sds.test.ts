import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from '@inmesh/control-plane';
import { createMesh, type MeshOptions } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

const spiffeId = 'spiffe://cluster.local/ns/shop/sa/reviews';

/** A config server whose certificates by SDS last so long. */
async function start(sdsValidityMs?: number) {
  const path = mkdtempSync(join(tmpdir(), 'inmesh-sds-'));
  keep({ close: () => rmSync(path, { recursive: true, force: true }) });
  const tokenFile = join(path, 'tokens');
  writeFileSync(tokenFile, 'a-token-of-reviews shop/reviews\n', { mode: 0o600 });
  const server = keep(
    await startControlPlane({
      ...{ config: [keep(new ConfigFolder()).path], xdsPort: 0, metricsPort: 0, debugPort: 0 },
      logger: { info() {}, warn() {}, error() {} },
      ca: { tlsPort: 0, tokenFile, ...(sdsValidityMs !== undefined && { sdsValidityMs }) },
    }),
  );
  const roots = join(path, 'roots.pem');
  writeFileSync(roots, server.authority!.roots.join(''));
  return { server, sds: server.addresses.tls!.replace(/^127\.0\.0\.1:/, 'localhost:'), roots };
}

async function meshOf(identity: MeshOptions['identity'] & object) {
  return keep(await createMesh({ config: keep(new ConfigFolder()).path, identity }));
}

describe('an identity by SDS from the config server', () => {
  it('is that of the token, also while the authority rolls over', async () => {
    const { server, sds, roots } = await start();
    const mesh = await meshOf({ sds, roots, token: { text: 'a-token-of-reviews' } });
    const expected = { source: `SDS ${sds}`, spiffeId, trustDomains: ['cluster.local'], problem: undefined };
    expect(mesh.status().identity).toMatchObject(expected);
    await server.authority!.rotate();
    expect(server.authority!.roots).toHaveLength(2);
    const again = await meshOf({ sds, roots, token: { text: 'a-token-of-reviews' } });
    expect(again.status().identity).toMatchObject(expected);
  });

  it('is renewed before it expires', async () => {
    const { sds, roots } = await start(2000);
    const mesh = await meshOf({ sds, roots, token: { text: 'a-token-of-reviews' } });
    const first = Date.parse(mesh.status().identity!.expiresAt!);
    await expect
      .poll(() => Date.parse(mesh.status().identity!.expiresAt!), { timeout: 10_000 })
      .toBeGreaterThan(first + 1000);
    expect(mesh.status().identity).toMatchObject({ spiffeId, problem: undefined });
  });

  it('is none for a token that nobody knows, and the status says so', async () => {
    const { sds, roots } = await start();
    const mesh = await meshOf({ sds, roots, token: { text: 'a-token-of-nobody' } });
    expect(mesh.status().identity?.spiffeId).toBeUndefined();
    expect(mesh.status().identity?.problem).toMatch(/UNAUTHENTICATED|PERMISSION_DENIED/);
    expect(mesh.status().identity?.problem).not.toContain('a-token-of-nobody');
  });
});
