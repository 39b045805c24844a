import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { prometheus } from 'inmesh/prometheus';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificates.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { keep } from '../support/keep.js';
import { constantLoad } from '../support/load.js';
import { MeshAuthority, type TestIdentity } from '../support/mesh-authority.js';

/** `npm run test:scale` turns the certificates 1,000 times, as FAULTS.md (c7) asks. */
const rotations = process.env.INMESH_SCALE === 'full' ? 1000 : 50;
const hour = 3600_000;
const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;

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
spec:
  host: reviews
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["${uri('reviews')}"] }
`;

/** Everything that a mesh says anywhere. */
class Said {
  readonly registry = new Registry();
  readonly lines: string[] = [];
  readonly logger = { info: this.#log, warn: this.#log, error: this.#log };

  get #log() {
    return (message: string, fields?: object) => void this.lines.push(`${message} ${JSON.stringify(fields)}`);
  }

  async all(...meshes: Mesh[]): Promise<string> {
    const states = meshes.map((mesh) => JSON.stringify([mesh.status(), mesh.explain('http://reviews/')]));
    return [...this.lines, ...states, await this.registry.metrics()].join('\n');
  }
}

async function meshOf(yaml: Record<string, string>, identity: TestIdentity, said: Said, options: MeshOptions = {}) {
  const config = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(yaml)) config.write(name, text);
  const folder = keep(new IdentityFolder(identity));
  const telemetry = [prometheus({ register: said.registry })];
  const mesh = keep(
    await createMesh({ config: config.path, identity: folder.path, logger: said.logger, telemetry, ...options }),
  );
  await mesh.ready();
  return { mesh, folder };
}

async function listen(server: Server): Promise<number> {
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

async function reviewsOf(identity: TestIdentity, said: Said) {
  const callers: (string | undefined)[] = [];
  const { mesh, folder } = await meshOf({ 'strict.yaml': strictYaml }, identity, said);
  const server = mesh.createServer((req, res) => {
    callers.push(req.mesh?.peer?.spiffeId);
    res.end('reviews');
  });
  return { mesh, folder, callers, server, port: await listen(server) };
}

function shopOf(port: number, identity: TestIdentity, said: Said) {
  const reviews = serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]);
  return meshOf({ 'reviews.yaml': reviews, 'rule.yaml': ruleYaml }, identity, said);
}

async function get(mesh: Mesh): Promise<string> {
  const response = await mesh.fetch('http://reviews/');
  return `${response.status} ${await response.text()}`;
}

/** What a client without a mesh gets from the port: nothing, where it is refused. */
async function ask(port: number, identity?: Partial<TestIdentity>): Promise<string> {
  const host = '127.0.0.1';
  const tls = { cert: identity?.chain, key: identity?.key, rejectUnauthorized: false };
  const socket = identity === undefined ? connect({ port, host }) : tlsConnect({ port, host, ...tls } as never);
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  socket.write('GET / HTTP/1.1\r\nHost: reviews\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  return text;
}

function secretsOf(...identities: Partial<TestIdentity>[]): string[] {
  return identities.flatMap(({ key = '' }) => key.split('\n').filter((line) => line !== '' && !line.startsWith('-')));
}

describe('mutual TLS between two services, from certificates in files', () => {
  it('is what a call goes by when both ends are configured for it, and each knows the other', async () => {
    const authority = new MeshAuthority();
    const said = new Said();
    const reviews = await reviewsOf(authority.issue('reviews'), said);
    const shop = await shopOf(reviews.port, authority.issue('shop'), said);
    expect(await get(shop.mesh)).toBe('200 reviews');
    expect(reviews.callers).toEqual([uri('shop')]);
    expect(shop.mesh.status().identity).toMatchObject({
      spiffeId: uri('shop'),
      trustDomains: ['cluster.local'],
      problem: undefined,
    });
  });

  it('lets no one else in: each is refused with its reason in log and metric, and the handler sees nothing', async () => {
    const authority = new MeshAuthority();
    const said = new Said();
    const reviews = await reviewsOf(authority.issue('reviews'), said);
    const own = makeCertificate({ uris: [uri('shop')], keyUsage: ['digitalSignature'] });
    const strangers: Record<string, Partial<TestIdentity> | undefined> = {
      plaintext: undefined,
      no_certificate: {},
      self_signed: { chain: own.certificate, key: own.key },
      untrusted_domain: new MeshAuthority('evil.org').issue('shop'),
      unknown_authority: new MeshAuthority().issue('shop'),
      expired: authority.issue('shop', { notAfter: new Date(Date.now() - hour) }),
      several_uris: authority.issue('shop', { uris: [uri('shop'), uri('admin')] }),
    };
    for (const [reason, stranger] of Object.entries(strangers)) {
      expect(await ask(reviews.port, stranger), reason).toBe('');
      const text = await said.all();
      expect(text).toContain(`inmesh_connections_refused_total{reason="${reason}"} 1`);
      expect(said.lines.at(-1)).toContain(`"reason":"${reason}"`);
    }
    expect(reviews.callers).toEqual([]);
  });

  it('sends nothing to a server of another service account', async () => {
    const authority = new MeshAuthority();
    const said = new Said();
    const impostor = await reviewsOf(authority.issue('ratings'), said);
    const shop = await shopOf(impostor.port, authority.issue('shop'), said);
    const response = await shop.mesh.fetch('http://reviews/').catch((error) => error.cause ?? error);
    expect(String(response.message)).toContain('unexpected_identity');
    expect(impostor.callers).toEqual([]);
  });

  it(`loses no request in ${rotations} rotations of both ends, with a change of the root in the middle`, async () => {
    const old = new MeshAuthority();
    const next = new MeshAuthority();
    const said = new Said();
    const used: TestIdentity[] = [];
    let validUntil = Date.now() + 24 * hour;
    const issue = (name: string, authority: MeshAuthority, bundle: string) => {
      validUntil += 1000;
      const identity = { ...authority.issue(name, { notAfter: new Date(validUntil) }), bundle };
      used.push(identity);
      return { identity, expiresAt: new Date(Math.floor(validUntil / 1000) * 1000).toISOString() };
    };
    const reviews = await reviewsOf(issue('reviews', old, old.bundle).identity, said);
    const shop = await shopOf(reviews.port, issue('shop', old, old.bundle).identity, said);
    const ends = [
      { ...reviews, name: 'reviews' },
      { ...shop, name: 'shop' },
    ];
    const load = constantLoad(4, () => get(shop.mesh));
    const rotate = async (authority: MeshAuthority, bundle: string) => {
      const answered = load.answers.length;
      for (const { folder, mesh, name } of ends) {
        const { identity, expiresAt } = issue(name, authority, bundle);
        folder.swap(identity);
        await expect.poll(() => mesh.status().identity?.expiresAt, { timeout: 10_000, interval: 2 }).toBe(expiresAt);
      }
      await expect.poll(() => load.answers.length, { timeout: 10_000, interval: 2 }).toBeGreaterThan(answered);
    };
    const both = old.bundle + next.bundle;
    for (let i = 0; i < rotations; i += 1) {
      const share = i / rotations;
      if (share < 0.4) await rotate(old, old.bundle);
      else if (share < 0.5) await rotate(old, both);
      else if (share < 0.6) await rotate(next, both);
      else await rotate(next, next.bundle);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(new Set(load.answers)).toEqual(new Set(['200 reviews']));
    expect(reviews.callers).toHaveLength(load.answers.length);
    const text = await said.all(reviews.mesh, shop.mesh);
    expect(text).toContain(uri('shop'));
    for (const secret of secretsOf(...used)) expect(text.includes(secret)).toBe(false);
  }, 600_000);
});
