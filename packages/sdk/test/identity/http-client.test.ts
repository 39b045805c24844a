import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { UpstreamTls } from '@inmesh/core';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificates.js';
import { keep } from '../../../../test/support/keep.js';
import { MeshAuthority, type TestIdentity } from '../../../../test/support/mesh-authority.js';
import { staticMesh } from '../support/static-mesh.js';
import { ChangingIdentity } from '../support/test-identity.js';
import { httpServer } from '../support/test-server.js';

const authority = new MeshAuthority();
const hour = 3600_000;
const host = 'outbound_.80_._.reviews.default.svc.cluster.local';

const meshTls: UpstreamTls = {
  certificate: { kind: 'workload' },
  trust: { kind: 'workload' },
  sni: host,
  subjectAltNames: [],
  skipVerify: false,
};

function expecting(...values: string[]): UpstreamTls {
  return { ...meshTls, subjectAltNames: values.map((value) => ({ kind: 'exact', value, ignoreCase: false })) };
}

/** Tells of every client, and counts requests; what it is shown it takes. */
async function tlsServer(identity: Pick<TestIdentity, 'chain' | 'key'>) {
  const clients: string[] = [];
  const seen: { url: string; sni: unknown; subjectAltName: string }[] = [];
  let bytes = 0;
  const options = { cert: identity.chain, key: identity.key, requestCert: true, rejectUnauthorized: false };
  const server: Server = createServer(options, (req, res) => {
    const { servername } = req.socket as TLSSocket & { servername?: unknown };
    const subjectAltName = (req.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName ?? '';
    seen.push({ url: req.url!, sni: servername, subjectAltName });
    res.end('done');
  });
  server.on('secureConnection', (socket) => {
    clients.push(socket.getPeerX509Certificate()?.serialNumber ?? '');
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return keep({ port: (server.address() as AddressInfo).port, seen, clients, bytes: () => bytes, server, close });
}

function meshTo(port: number, tls: UpstreamTls, identity = new ChangingIdentity(authority.issue('shop'))) {
  return keep(staticMesh([port], { identity, cluster: { transport: { kind: 'tls', tls } } }));
}

async function get(mesh: ReturnType<typeof meshTo>, url = 'http://reviews/a') {
  const { statusCode, body } = await request(url, { dispatcher: mesh.dispatcher });
  return `${statusCode} ${await body.text()}`;
}

const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;

describe('a call to a cluster with mutual TLS', () => {
  it.each(['http', 'https'])(
    'goes over it from an %s URL, with the certificate of this workload and the SNI of the cluster',
    async (scheme) => {
      const server = await tlsServer(authority.issue('reviews'));
      const mesh = meshTo(server.port, expecting(uri('reviews')));
      const url = `${scheme}://reviews${scheme === 'https' ? ':80' : ''}/a`;
      expect(await get(mesh, url)).toBe('200 done');
      expect(server.seen).toEqual([{ url: '/a', sni: host, subjectAltName: expect.stringContaining(uri('shop')) }]);
    },
  );

  it('keeps its connection for more than one request', async () => {
    const server = await tlsServer(authority.issueByIntermediate('reviews'));
    const mesh = meshTo(server.port, meshTls);
    for (let i = 0; i < 5; i += 1) expect(await get(mesh)).toBe('200 done');
    expect(server.clients.length).toBeLessThanOrEqual(2);
  });

  it.each<[string, () => Pick<TestIdentity, 'chain' | 'key'>, string | RegExp]>([
    ['has expired', () => authority.issue('reviews', { notAfter: new Date(Date.now() - hour) }), /expired/],
    ['is of the future', () => authority.issue('reviews', { notBefore: new Date(Date.now() + hour) }), /not yet valid/],
    ['is of another authority', () => new MeshAuthority().issue('reviews'), /unable to verify|certificate signature/],
    ['is signed by itself', () => selfSigned(uri('reviews')), /self.signed/],
    [
      'is of another service account',
      () => authority.issue('ratings'),
      `(unexpected_identity): ${uri('ratings')} is not who was expected: ${uri('reviews')}`,
    ],
    ['has two URI names', () => authority.issue('reviews', { uris: [uri('reviews'), uri('ratings')] }), 'several_uris'],
    [
      'names another trust domain',
      () => authority.issue('x', { uris: ['spiffe://other/ns/a/sa/b'] }),
      'untrusted_domain',
    ],
    ['names a host alone', () => authority.issue('x', { uris: [] }), 'no_spiffe_id'],
  ])('sends no byte of a request to a server whose certificate %s, and says so', async (_what, make, reason) => {
    const server = await tlsServer(make());
    const mesh = meshTo(server.port, expecting(uri('reviews')));
    await expect(get(mesh)).rejects.toMatchObject({
      reason: 'upstream_connection_failure',
      message: typeof reason === 'string' ? expect.stringContaining(reason) : expect.stringMatching(reason),
      maybeSent: false,
    });
    expect(server.seen).toEqual([]);
    expect(server.bytes()).toBe(0);
  });

  it('does not take a domain that it trusts for another one', async () => {
    const other = new MeshAuthority('other.org');
    const identity = new ChangingIdentity();
    identity.set(authority.issue('shop'), { 'other.org': other.bundle });
    const forged = await tlsServer(other.issue('reviews', { uris: [uri('reviews')] }));
    await expect(get(meshTo(forged.port, meshTls, identity))).rejects.toThrow('unknown_authority');
    const honest = await tlsServer(other.issue('reviews'));
    expect(await get(meshTo(honest.port, meshTls, identity))).toBe('200 done');
  });

  it('fails while there is no identity, and never goes in plain text', async () => {
    const plain = keep(await httpServer((_req, res) => res.end('plain')));
    let connections = 0;
    plain.server.on('connection', () => {
      connections += 1;
    });
    const mesh = meshTo(plain.port, meshTls, new ChangingIdentity());
    await expect(get(mesh)).rejects.toMatchObject({
      reason: 'not_ready',
      message: expect.stringContaining('this workload has no identity'),
    });
    expect(connections).toBe(0);
    await expect(get(meshTo(plain.port, meshTls))).rejects.toMatchObject({ reason: 'upstream_connection_failure' });
  });

  it('goes by what each endpoint speaks where the cluster says so', async () => {
    const identity = new ChangingIdentity(authority.issue('shop'));
    const transport = { kind: 'byEndpoint', tls: meshTls } as const;
    const secure = await tlsServer(authority.issue('reviews'));
    const meshed = keep(staticMesh([secure.port], { identity, endpoint: { meshTls: true }, cluster: { transport } }));
    expect(await get(meshed)).toBe('200 done');
    const plain = keep(await httpServer((_req, res) => res.end('plain')));
    expect(await get(keep(staticMesh([plain.port], { identity, cluster: { transport } })))).toBe('200 plain');
  });

  it('hints at the label that a server lacks, which hangs up on plain text', async () => {
    const strict = createTcpServer((socket) => socket.once('data', () => socket.destroy()));
    strict.listen(0, '127.0.0.1');
    await once(strict, 'listening');
    keep(strict);
    const identity = new ChangingIdentity(authority.issue('shop'));
    const workload = { name: 'bank', namespace: 'shop', canonicalName: 'bank', canonicalRevision: '', cluster: '' };
    const { port } = strict.address() as AddressInfo;
    const hintOf = (options: Parameters<typeof staticMesh>[1]) =>
      get(keep(staticMesh([port], options))).catch(({ hint }: { hint?: string }) => hint ?? 'none');
    expect(await hintOf({ identity, endpoint: { workload } })).toContain('the label security.istio.io/tlsMode=istio');
    expect(await hintOf({ endpoint: { workload } })).toBe('none');
    expect(await hintOf({ identity })).toBe('none');
  });

  it('takes a new certificate for new connections, and loses no request to the change', async () => {
    const server = await tlsServer(authority.issue('reviews'));
    const identity = new ChangingIdentity(authority.issue('shop'));
    const mesh = meshTo(server.port, meshTls, identity);
    for (let i = 0; i < 20; i += 1) {
      identity.set(authority.issue('shop'));
      const answers = await Promise.all([get(mesh), get(mesh), get(mesh)]);
      expect(answers).toEqual(['200 done', '200 done', '200 done']);
    }
    expect(server.seen).toHaveLength(60);
    await expect
      .poll(() => new Promise((resolve) => server.server.getConnections((_error, count) => resolve(count))))
      .toBeLessThanOrEqual(3);
  });
});

describe('a call to a cluster with TLS of files', () => {
  it('shows no certificate whose key others may read, and says what mends it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-tls-'));
    keep({ close: () => rmSync(folder, { recursive: true }) });
    const shop = authority.issue('shop');
    const [certificateChain, privateKey] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    writeFileSync(certificateChain, shop.chain);
    writeFileSync(privateKey, shop.key, { mode: 0o644 });
    const server = await tlsServer(authority.issue('reviews'));
    const tls: UpstreamTls = { ...meshTls, certificate: { kind: 'files', certificateChain, privateKey } };
    const mesh = meshTo(server.port, tls);
    await expect(get(mesh)).rejects.toThrow(`chmod 600 ${privateKey}`);
    chmodSync(privateKey, 0o600);
    expect(await get(mesh)).toBe('200 done');
  });

  it('trusts the authorities of its file alone, and checks the name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-tls-'));
    keep({ close: () => rmSync(folder, { recursive: true }) });
    const file = join(folder, 'ca.pem');
    writeFileSync(file, authority.bundle);
    const tls: UpstreamTls = {
      ...meshTls,
      certificate: undefined,
      trust: { kind: 'file', authorities: file },
      sni: 'shop.test',
    };
    const good = await tlsServer(authority.issue('x', { hosts: ['shop.test'], uris: [] }));
    expect(await get(meshTo(good.port, tls))).toBe('200 done');
    expect(good.seen[0]?.subjectAltName).toBe('');
    const wrongName = await tlsServer(authority.issue('x', { hosts: ['other.test'], uris: [] }));
    await expect(get(meshTo(wrongName.port, tls))).rejects.toThrow('altnames');
    await expect(
      get(meshTo(wrongName.port, { ...tls, subjectAltNames: expecting('other.test').subjectAltNames })),
    ).resolves.toBe('200 done');
    await expect(get(meshTo(good.port, { ...tls, trust: { kind: 'system' } }))).rejects.toThrow(
      /unable to|self.signed/,
    );
    await expect(get(meshTo(wrongName.port, { ...tls, skipVerify: true }))).resolves.toBe('200 done');
    const missing = { kind: 'file', authorities: join(folder, 'none.pem') } as const;
    await expect(get(meshTo(good.port, { ...tls, trust: missing }))).rejects.toMatchObject({ reason: 'not_ready' });
  });
});

function selfSigned(name: string): Pick<TestIdentity, 'chain' | 'key'> {
  const { certificate, key } = makeCertificate({ uris: [name], keyUsage: ['digitalSignature'] });
  return { chain: certificate, key };
}
