import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import { createMesh, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { FakeWorkloadApi, svidOf } from '../support/fake-workload-api.js';
import { keep } from '../support/keep.js';
import { MeshAuthority } from '../support/mesh-authority.js';

const strictYaml = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: STRICT } }
`;

const ruleYaml = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec: { host: reviews, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
`;

const authority = new MeshAuthority();

/** A process whose Workload API knows it by that name. */
async function joinAs(name: string, yaml: Record<string, string>): Promise<{ mesh: Mesh; api: FakeWorkloadApi }> {
  const api = keep(await new FakeWorkloadApi().start());
  api.deliver({ svids: [svidOf(authority.issue(name))] });
  const folder = keep(new ConfigFolder());
  for (const [file, text] of Object.entries(yaml)) folder.write(file, text);
  const mesh = keep(await createMesh({ config: folder.path, identity: { workloadApi: api.address } }));
  await mesh.ready();
  return { mesh, api };
}

async function world() {
  const reviews = await joinAs('reviews', { 'strict.yaml': strictYaml });
  const server = reviews.mesh.createServer((req, res) => res.end(req.mesh?.peer?.serviceAccount));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => void server.close().closeAllConnections() });
  const { port } = server.address() as AddressInfo;
  const yaml = serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]);
  const shop = await joinAs('shop', { 'reviews.yaml': yaml, 'rule.yaml': ruleYaml });
  const get = async () => (await shop.mesh.fetch('http://reviews/')).text();
  return { reviews, shop, get };
}

/** For good: until the API is told otherwise. */
function takeAway({ api }: { api: FakeWorkloadApi }): void {
  api.refusal = { code: status.PERMISSION_DENIED, details: 'no identity issued' };
  api.end(status.PERMISSION_DENIED, 'no identity issued');
}

const hasNone = (mesh: Mesh) => () => mesh.status().identity?.spiffeId === undefined;

describe('mutual TLS by a Workload API', () => {
  it('goes on over rotations of both ends, with the new names', async () => {
    const { reviews, shop, get } = await world();
    expect(await get()).toBe('shop');
    reviews.api.deliver({ svids: [svidOf(authority.issue('reviews'))] });
    shop.api.deliver({ svids: [svidOf(authority.issue('shop2'))] });
    await expect.poll(get).toBe('shop2');
  });

  it('ends for a client whose identity is taken away, without a byte in plain text, until it has one again', async () => {
    const { shop, get } = await world();
    expect(await get()).toBe('shop');
    takeAway(shop);
    await expect.poll(hasNone(shop.mesh)).toBe(true);
    await expect(get()).rejects.toMatchObject({ reason: 'not_ready', maybeSent: false });
    shop.api.refusal = undefined;
    await expect.poll(() => get().catch(String), { timeout: 10_000 }).toBe('shop');
  });

  it('ends for new callers of a server whose identity is taken away', async () => {
    const { reviews, get } = await world();
    takeAway(reviews);
    await expect.poll(hasNone(reviews.mesh)).toBe(true);
    await expect(get()).rejects.toMatchObject({ httpStatus: 503 });
  });
});
