import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificates.js';
import { keep } from '../../../test/support/keep.js';
import type { CaOptions } from '../src/index.js';
import { makeCsr, opensslVerify, pemOfKey, TemporaryFolder } from './support/ca.js';
import { requestCertificate } from './support/certificate-client.js';
import { ConfigFolder } from './support/config-folder.js';
import { startServer } from './support/start.js';

const token = 'a-token-of-reviews';
const spiffeId = 'spiffe://cluster.local/ns/shop/sa/reviews';

async function start(ca: CaOptions = {}) {
  const folder = keep(new TemporaryFolder());
  const tokenFile = folder.write('tokens', `# who is who\n${token} shop/reviews\n`);
  const options = { ca: { tlsPort: 0, tokenFile, ...ca } };
  const server = keep(await startServer(keep(new ConfigFolder()).path, options));
  const { roots } = server.authority!;
  const ask = (csr: string, credentials: Parameters<typeof requestCertificate>[3], validitySeconds?: number) =>
    requestCertificate(server.addresses.tls!, roots, { csr, ...(validitySeconds && { validitySeconds }) }, credentials);
  return { server, roots, ask, tokenFile };
}

async function reviewsWithKey() {
  const { csr, keys } = await makeCsr([{ type: 'url', value: spiffeId }]);
  return { csr, key: await pemOfKey(keys.privateKey) };
}

describe('A token of the file', () => {
  it('buys a certificate as an istio-agent wants it: leaf, intermediate, roots', async () => {
    const { ask, roots, server } = await start();
    const { csr } = await reviewsWithKey();
    const [leaf, intermediate, last, ...more] = await ask(csr, { token });
    expect(more).toEqual([]);
    expect(last).toBe(roots.join(''));
    expect(opensslVerify({ chain: [leaf!, intermediate!], roots: [last!] }, Date.now())).toBe(true);
    expect((await server.get('metrics', '/metrics')).text).toContain(
      'inmesh_ca_certificate_requests_total{outcome="issued"} 1',
    );
  });

  it('that is taken out of it counts no more', async () => {
    const { ask, tokenFile } = await start();
    const { csr } = await reviewsWithKey();
    await ask(csr, { token });
    writeFileSync(tokenFile, '');
    await expect(ask(csr, { token })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  it('stops the start when others may read it, with the command that mends it', async () => {
    const folder = keep(new TemporaryFolder());
    const tokenFile = folder.write('tokens', `${token} shop/reviews\n`);
    chmodSync(tokenFile, 0o644);
    await expect(start({ tokenFile })).rejects.toThrow(`run chmod 600 ${tokenFile}`);
  });

  it.each(['short a/b', `${token} shop`, `${token} shop/a/b`, `${token} sh~op/a`, `${token} a/b c`])(
    'of a line that is wrong (%s) stops the start',
    async (line) => {
      const tokenFile = keep(new TemporaryFolder()).write('tokens', `# one\n${line}\n`);
      await expect(start({ tokenFile })).rejects.toThrow(`${tokenFile}:2 is not a token of 16 characters`);
    },
  );
});

describe('A caller', () => {
  it('that asks for the identity of another is refused, with the reason in log and metric', async () => {
    const { ask, server } = await start();
    const { csr } = await makeCsr([{ type: 'url', value: 'spiffe://cluster.local/ns/shop/sa/admin' }]);
    await expect(ask(csr, { token })).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    expect(server.lines).toContain('a certificate is refused');
    const { text } = await server.get('metrics', '/metrics');
    expect(text).toContain('inmesh_ca_certificate_requests_total{outcome="other_identity"} 1');
    expect(text).toContain('inmesh_ca_certificate_requests_total{outcome="issued"} 0');
  });

  it('without anything is refused, on every service of the port', async () => {
    const { ask, server } = await start();
    const { csr } = await reviewsWithKey();
    await expect(ask(csr, {})).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
      details: 'neither a token nor a certificate of this mesh was given',
    });
    expect((await server.get('metrics', '/metrics')).text).toContain(
      'inmesh_xds_unauthenticated_total{reason="no_credentials"} 1',
    );
  });

  it('with a wrong token is refused, and the token is in no log', async () => {
    const { ask, server } = await start();
    const { csr } = await reviewsWithKey();
    await expect(ask(csr, { token: 'another-token-than-that' })).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
    });
    expect(server.lines.join('\n')).not.toContain('another-token-than-that');
  });

  it('with garbage or 10 MB for a request is refused, and others go on', async () => {
    const { ask } = await start();
    const { csr } = await reviewsWithKey();
    for (const bad of ['', 'garbage', 'A'.repeat(10_000_000)]) {
      await expect(ask(bad, { token })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    }
    await expect(ask('A'.repeat(20_000_000), { token })).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    await expect(ask(csr, { token })).resolves.toHaveLength(3);
  });

  it('that asks too often is told so, and another identity is not', async () => {
    const tokenFile = keep(new TemporaryFolder()).write('t', `${token} shop/reviews\n${token}2 shop/other\n`);
    const { ask } = await start({ tokenFile, limit: { burst: 2, perSecond: 1e-9 } });
    const { csr } = await makeCsr();
    await ask(csr, { token });
    await ask(csr, { token });
    await expect(ask(csr, { token })).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    await expect(ask(csr, { token: `${token}2` })).resolves.toHaveLength(3);
  });
});

describe('A certificate of the mesh', () => {
  it('buys the next one, for itself alone', async () => {
    const { ask } = await start();
    const { csr, key } = await reviewsWithKey();
    const chain = (await ask(csr, { token })).slice(0, 2).join('');
    await expect(ask(csr, { certificate: { chain, key } })).resolves.toHaveLength(3);
    const other = await makeCsr([{ type: 'url', value: 'spiffe://cluster.local/ns/shop/sa/admin' }]);
    await expect(ask(other.csr, { certificate: { chain, key } })).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    });
  });

  it('of a foreign authority counts for nothing, with the reason in log and metric, and a token beside it does', async () => {
    const { ask, server } = await start();
    const { csr } = await reviewsWithKey();
    const { certificate: chain, key } = makeCertificate({ uris: [spiffeId] });
    await expect(ask(csr, { certificate: { chain, key } })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(ask(csr, { certificate: { chain, key }, token })).resolves.toHaveLength(3);
    expect(server.lines).toContain('the certificate of a caller is not trusted');
    expect((await server.get('metrics', '/metrics')).text).toMatch(
      /inmesh_xds_unauthenticated_total\{reason="client_certificate"\} [1-9]/,
    );
  });
});

describe('A service account token, by the keys of the cluster', () => {
  const issuer = 'https://kubernetes.default.svc';

  async function cluster() {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' };
    const path = keep(new TemporaryFolder()).write('jwks', JSON.stringify({ keys: [jwk] }));
    const started = await start({ tokenFile: undefined, keySet: { path, issuer } });
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: 'system:serviceaccount:shop:reviews', aud: ['istio-ca'], iss: issuer, exp: now + 600 };
    const sign = (changes: object = {}, header: { alg: string; kid: string } = { alg: 'RS256', kid: 'one' }) =>
      new SignJWT({ ...claims, ...changes }).setProtectedHeader(header).sign(privateKey);
    return { ...started, sign, now, claims, publicKey };
  }

  it('buys a certificate', async () => {
    const { ask, sign } = await cluster();
    const { csr } = await reviewsWithKey();
    await expect(ask(csr, { token: await sign() })).resolves.toHaveLength(3);
  });

  it.each<[string, (now: number) => object, string]>([
    ['another audience', () => ({ aud: 'api' }), 'wrong_audience'],
    ['no audience', () => ({ aud: undefined }), 'wrong_audience'],
    ['a past', (now) => ({ exp: now - 1 }), 'expired'],
    ['no end', () => ({ exp: undefined }), 'bad_token'],
    ['a future', (now) => ({ nbf: now + 600 }), 'bad_token'],
    ['another issuer', () => ({ iss: 'https://other' }), 'bad_token'],
    ['a user', () => ({ sub: 'system:admin' }), 'bad_token'],
    ['a name with a path', () => ({ sub: 'system:serviceaccount:shop/sa/admin:x' }), 'bad_token'],
  ])('with %s is refused', async (_name, changes, reason) => {
    const { ask, sign, now, server } = await cluster();
    const { csr } = await reviewsWithKey();
    const bad = await sign(changes(now));
    await expect(ask(csr, { token: bad })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    expect((await server.get('metrics', '/metrics')).text).toContain(
      `inmesh_xds_unauthenticated_total{reason="${reason}"} 1`,
    );
    expect(server.lines.join('\n')).not.toContain(bad.split('.')[2]);
  });

  it('that is not signed, or signed with what everybody knows, is refused', async () => {
    const { ask, claims, publicKey } = await cluster();
    const { csr } = await reviewsWithKey();
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const secret = createHash('sha256')
      .update(JSON.stringify(await exportJWK(publicKey)))
      .digest();
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
    for (const bad of [`${part({ alg: 'none' })}.${part(claims)}.`, confused, 'a.b.c', 'x']) {
      await expect(ask(csr, { token: bad })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    }
  });
});

describe('The TLS port', () => {
  it('shows a certificate of its authority for its names', async () => {
    const { server, roots } = await start({ hosts: ['config.example.org'] });
    const [host, port] = server.addresses.tls!.split(':');
    for (const servername of ['localhost', 'inmesh.inmesh-system.svc', 'config.example.org']) {
      const socket = connect({ host, port: Number(port), servername, ca: [...roots], ALPNProtocols: ['h2'] });
      keep({ close: () => socket.destroy() });
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      expect(socket.authorized).toBe(true);
    }
  });

  it('refuses plain text, with the reason in log and metric', async () => {
    const { server } = await start();
    await expect(fetch(`http://${server.addresses.tls}/`)).rejects.toThrow();
    expect(server.lines).toContain('a connection to the config server is refused');
    expect((await server.get('metrics', '/metrics')).text).toContain(
      'inmesh_xds_unauthenticated_total{reason="handshake"} 1',
    );
  });

  it('goes on with a certificate by the new root after a change', async () => {
    const { server, ask, roots } = await start({ phaseMs: 0 });
    const { csr } = await reviewsWithKey();
    await ask(csr, { token });
    const { rotate } = server.authority!;
    await rotate.call(server.authority);
    const [, , last] = await ask(csr, { token });
    expect(last).toContain(roots[0]);
    expect(last).not.toBe(roots[0]);
  });

  it('is not there without an authority', async () => {
    const server = keep(await startServer(keep(new ConfigFolder()).path));
    expect(server.addresses).not.toHaveProperty('tls');
  });
});

describe('Keys of the authority', () => {
  it('are in no page and no line of the log', async () => {
    const folder = `${keep(new TemporaryFolder()).path}/ca`;
    const { server, ask } = await start({ folder });
    const { csr } = await reviewsWithKey();
    await ask(csr, { token });
    await ask('garbage', { token }).catch(() => {});
    const { pages } = JSON.parse((await server.get('debug', '/')).text) as { pages: string[] };
    const texts = await Promise.all([
      ...pages.map(async (page) => (await server.get('debug', page)).text),
      server.get('metrics', '/metrics').then(({ text }) => text),
    ]);
    const state = readFileSync(`${folder}/authority.json`, 'utf8');
    const words = [...state.matchAll(/PRIVATE KEY-----\\n([A-Za-z0-9+/=]{30})/g)].map(([, word]) => word!);
    expect(words).toHaveLength(2);
    for (const word of [...words, token]) expect([...texts, ...server.lines].join('\n')).not.toContain(word);
  });
});
