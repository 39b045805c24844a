import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMesh } from 'inmesh';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority } from '../support/mesh-authority.js';
import { debianPeer } from './support/debian-peer.js';

const run = promisify(execFile);
const program = fileURLToPath(new URL('programs/one-call.mjs', import.meta.url));
const day = 24 * 3600_000;

const ruleYaml = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec: { host: reviews, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
`;

/** Of a machine whose clock is right; counts what its handler gets. */
async function reviewsOf(authority: MeshAuthority) {
  const seen: string[] = [];
  const dates = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
  const identity = keep(new IdentityFolder(authority.issue('reviews', dates)));
  const mesh = keep(await createMesh({ config: keep(new ConfigFolder()).path, identity: identity.path }));
  const server = mesh.createServer((req, res) => {
    seen.push(req.mesh?.peer?.serviceAccount ?? '');
    res.end('done');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => server.close() });
  return { port: (server.address() as AddressInfo).port, seen };
}

describe('A workload whose clock is off by 60 days', () => {
  let library: string;

  beforeAll(async () => {
    const root = await debianPeer('libfaketime', ['libfaketime']);
    const [architecture] = readdirSync(join(root, 'usr/lib')).filter((name) => name.includes('linux'));
    library = join(root, 'usr/lib', architecture!, 'faketime/libfaketime.so.1');
  });

  /** @param days by how many its clock is off @param lifeDays how long its certificate has been valid, and will be */
  async function call(days: number, lifeDays: number) {
    const authority = new MeshAuthority();
    const { port, seen } = await reviewsOf(authority);
    const config = keep(new ConfigFolder());
    config.write(
      'all.yaml',
      [serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]), ruleYaml].join('\n---\n'),
    );
    const dates = { notBefore: new Date(Date.now() - lifeDays * day), notAfter: new Date(Date.now() + lifeDays * day) };
    const identity = keep(new IdentityFolder(authority.issue('shop', dates)));
    const env = {
      ...process.env,
      LD_PRELOAD: library,
      FAKETIME: `${days < 0 ? '' : '+'}${days}d`,
      DONT_FAKE_MONOTONIC: '1',
    };
    const { stdout } = await run(process.execPath, [program, config.path, identity.path], { env, timeout: 60_000 });
    const { now, ...said } = JSON.parse(stdout) as { answer: string; problem?: string; now: number };
    expect(Math.abs(now - Date.now() - days * day)).toBeLessThan(day);
    return { ...said, seen };
  }

  it('calls while it is not', async () => {
    expect(await call(0, 1)).toEqual({ answer: 'done', seen: ['shop'] });
  });

  it.each([
    [60, 'certificate has expired'],
    [-60, 'certificate is not yet valid'],
  ])('by %d days refuses a server, and says why', async (days, reason) => {
    expect(await call(days, 100)).toEqual({ answer: expect.stringContaining(reason), seen: [] });
  });

  it.each([
    [60, 'was valid until'],
    [-60, 'is valid from'],
  ])('by %d days does not take a certificate of its own, and sends nothing', async (days, reason) => {
    const { answer, problem, seen } = await call(days, 1);
    expect(problem).toContain(reason);
    expect(answer).toContain('this workload has no identity');
    expect(seen).toEqual([]);
  });
});
