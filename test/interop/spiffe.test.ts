import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createMesh, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority, type TestIdentity } from '../support/mesh-authority.js';
import { callByGoSpiffe, GoSpiffeServer, GoWorkloadApi } from './support/go-spiffe.js';

const strictYaml = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: STRICT } }
`;

const ruleYaml = (...names: string[]) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec:
  host: reviews
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL, subjectAltNames: ${JSON.stringify(names)} }
`;

const uri = (name: string, domain = 'cluster.local') => `spiffe://${domain}/ns/default/sa/${name}`;

/** A Workload API that knows one workload. */
async function apiOf(identity: TestIdentity, federated: Record<string, string> = {}): Promise<GoWorkloadApi> {
  const api = keep(await GoWorkloadApi.start());
  api.deliver([identity], federated);
  return api;
}

async function meshOf(api: GoWorkloadApi, yaml: Record<string, string>): Promise<Mesh> {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(yaml)) folder.write(name, text);
  const mesh = keep(await createMesh({ config: folder.path, identity: { workloadApi: api.address } }));
  await mesh.ready();
  return mesh;
}

/** A server of this SDK under STRICT; it answers with who has called. */
async function serve(api: GoWorkloadApi): Promise<{ url: string; mesh: Mesh }> {
  const mesh = await meshOf(api, { 'strict.yaml': strictYaml });
  const server = mesh.createServer((req, res) => res.end(req.mesh?.peer?.spiffeId ?? 'nobody'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => void server.close().closeAllConnections() });
  return { mesh, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** A client of this SDK, of a server that has to be one of `names`. */
function clientOf(api: GoWorkloadApi, port: number, names: string[]): Promise<Mesh> {
  const service = serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]);
  return meshOf(api, { 'reviews.yaml': service, 'rule.yaml': ruleYaml(...names) });
}

async function get(mesh: Mesh): Promise<string> {
  const response = await mesh.fetch('http://reviews/');
  return `${response.status} ${await response.text()}`;
}

describe("go-spiffe's Workload API", () => {
  it('gives this workload its identity, follows rotations and federation, and takes it away', async () => {
    const authority = new MeshAuthority();
    const other = new MeshAuthority('other.org');
    const api = await apiOf(authority.issueByIntermediate('shop'), { 'other.org': other.bundle });
    const mesh = await meshOf(api, {});
    const identity = () => mesh.status().identity;
    expect(identity()).toMatchObject({
      source: `Workload API ${api.address}`,
      spiffeId: uri('shop'),
      trustDomains: ['cluster.local', 'other.org'],
      problem: undefined,
    });
    for (const name of ['a', 'b', 'c']) {
      api.deliver([authority.issue(name), authority.issue('second')]);
      await expect.poll(() => identity()?.spiffeId).toBe(uri(name));
    }
    expect(identity()?.trustDomains).toEqual(['cluster.local']);
    api.deny();
    await expect.poll(() => identity()?.problem).toBe('PERMISSION_DENIED: no identity issued');
    expect(identity()?.spiffeId).toBeUndefined();
    api.deliver([authority.issue('again')]);
    await expect.poll(() => identity()?.spiffeId, { timeout: 10_000 }).toBe(uri('again'));
  });
});

describe("go-spiffe's client", () => {
  it('is let in by a server of this SDK, each knowing the other, over a rotation of both', async () => {
    const authority = new MeshAuthority();
    const [shop, reviews] = [
      await apiOf(authority.issueByIntermediate('shop')),
      await apiOf(authority.issueByIntermediate('reviews')),
    ];
    const { url } = await serve(reviews);
    const expected = { status: 200, body: uri('shop'), error: '' };
    expect(await callByGoSpiffe(shop, uri('reviews'), url)).toEqual(expected);
    const next = new MeshAuthority();
    const both = authority.bundle + next.bundle;
    reviews.deliver([{ ...next.issue('reviews'), bundle: both }]);
    shop.deliver([{ ...next.issue('shop'), bundle: next.bundle }]);
    await expect.poll(() => callByGoSpiffe(shop, uri('reviews'), url), { timeout: 20_000 }).toEqual(expected);
  });

  it('is let in from a federated trust domain, and refused from any other', async () => {
    const [authority, other] = [new MeshAuthority(), new MeshAuthority('other.org')];
    const reviews = await apiOf(authority.issue('reviews'), { 'other.org': other.bundle });
    const { url } = await serve(reviews);
    const trusted = { 'cluster.local': authority.bundle };
    const friend = await apiOf(other.issue('shop'), trusted);
    expect(await callByGoSpiffe(friend, uri('reviews'), url)).toMatchObject({ body: uri('shop', 'other.org') });
    const stranger = await apiOf(new MeshAuthority('evil.org').issue('shop'), trusted);
    const forged = other.issue('shop', { uris: [uri('shop')] });
    const forger = await apiOf({ ...forged, spiffeId: uri('shop'), bundle: authority.bundle }, trusted);
    for (const api of [stranger, forger]) {
      const { status, error } = await callByGoSpiffe(api, uri('reviews'), url);
      expect(status).toBe(0);
      expect(error).not.toBe('');
    }
  });

  it('does not go on with a server that is another than it expects', async () => {
    const authority = new MeshAuthority();
    const { url } = await serve(await apiOf(authority.issue('reviews')));
    const { error } = await callByGoSpiffe(await apiOf(authority.issue('shop')), uri('ratings'), url);
    expect(error).toContain('unexpected ID');
  });
});

describe("go-spiffe's server", () => {
  it('is called by this SDK, over a rotation, and from a federated trust domain', async () => {
    const [authority, other] = [new MeshAuthority(), new MeshAuthority('other.org')];
    const next = new MeshAuthority('other.org');
    const federated = { 'other.org': other.bundle + next.bundle };
    const reviews = await apiOf(authority.issueByIntermediate('reviews'), federated);
    const server = keep(await GoSpiffeServer.start(reviews, uri('shop', 'other.org')));
    const shop = await apiOf(other.issueByIntermediate('shop'), { 'cluster.local': authority.bundle });
    const mesh = await clientOf(shop, server.port, [uri('reviews')]);
    expect(await get(mesh)).toBe('200 go-spiffe');
    reviews.deliver([authority.issue('reviews')], federated);
    shop.deliver([next.issue('shop')], { 'cluster.local': authority.bundle });
    for (let calls = 0; calls < 50; calls += 1) expect(await get(mesh)).toBe('200 go-spiffe');
  });

  it('refuses another workload, and is refused when it is another or of a domain that is not trusted', async () => {
    const authority = new MeshAuthority();
    const shop = await apiOf(authority.issue('shop'));
    const own = keep(await GoSpiffeServer.start(await apiOf(authority.issue('reviews')), uri('somebody')));
    await expect(get(await clientOf(shop, own.port, [uri('reviews')]))).rejects.toMatchObject({ httpStatus: 503 });
    const unexpected = await clientOf(shop, own.port, [uri('ratings')]);
    await expect(get(unexpected)).rejects.toThrow('(unexpected_identity)');
    const evil = await apiOf(new MeshAuthority('evil.org').issue('reviews'), { 'cluster.local': authority.bundle });
    const far = keep(await GoSpiffeServer.start(evil, uri('shop')));
    const unknown = await clientOf(shop, far.port, [uri('reviews', 'evil.org')]);
    await expect(get(unknown)).rejects.toMatchObject({ httpStatus: 503, maybeSent: false });
  });
});
