import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { startControlPlane } from '@inmesh/control-plane';
import { createMesh, type Mesh } from 'inmesh';
import { prometheus } from 'inmesh/prometheus';
import { expect, it } from 'vitest';
import { keySet, makeKey, sign } from '../../packages/sdk/test/authentication/issuer.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority } from '../support/mesh-authority.js';
import { authorizationPolicy } from '../support/policed-service.js';
import { scannedMesh, strictYaml } from '../support/scanned-mesh.js';
import { scanForSecrets } from '../support/secret-scan.js';

const scan = scanForSecrets();
const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;
const tokens = { shop: 'the-token-of-the-shop', reviews: 'the-token-of-reviews' };

async function serve(mesh: Mesh): Promise<number> {
  const server = mesh.createServer((req, res) => {
    scan.hearRequest(req);
    res.end(req.mesh?.peer?.spiffeId ?? 'nobody');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => void server.close().closeAllConnections() });
  return (server.address() as AddressInfo).port;
}

/** A config server with an authority, and a Secret in its folder. */
async function startAuthority() {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-secrets-'));
  keep({ close: () => rmSync(folder, { recursive: true }) });
  const tokenFile = join(folder, 'tokens');
  const lines = Object.entries(tokens).map(([name, token]) => `${token} default/${name}\n`);
  writeFileSync(tokenFile, lines.join(''), { mode: 0o600 });
  const config = keep(new ConfigFolder());
  const { chain, key } = new MeshAuthority().issue('ingress');
  const data = { 'tls.crt': chain, 'tls.key': key };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'ingress' }, type: 'kubernetes.io/tls' };
  config.write('secret.yaml', JSON.stringify({ ...secret, stringData: data }));
  config.write('strict.yaml', strictYaml);
  const { logger } = scan;
  const ca = { tlsPort: 0, tokenFile, folder: join(folder, 'ca') };
  const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
  const server = keep(await startControlPlane({ config: [config.path], ...ports, ca, logger }));
  for (const [name, token] of Object.entries(tokens)) scan.guard(`the token of ${name}`, token);
  const state = readFileSync(join(ca.folder, 'authority.json'), 'utf8');
  const keys = [...state.matchAll(/"key": "((?:[^"\\]|\\.)+)"/g)].map(([, text]) => JSON.parse(`"${text}"`) as string);
  expect(keys).toHaveLength(2);
  for (const own of keys) scan.guardKey(own);
  scan.watchServer(server.addresses);
  const tls = server.addresses.tls!.replace('127.0.0.1', 'localhost');
  return { config, tls, roots: join(ca.folder, 'root-cert.pem') };
}

async function member({ tls, roots }: { tls: string; roots: string }, name: string, text: string): Promise<Mesh> {
  const mesh = keep(
    await createMesh({
      xds: `tls://${tls}`,
      identity: { authority: tls, roots, token: { text } },
      workload: { name, app: name, serviceAccount: name, podName: name },
      logger: scan.logger,
      telemetry: [prometheus({ register: scan.registry })],
    }),
  );
  scan.watch(mesh);
  return mesh;
}

it('shows no key, token or Secret where identities come from the config server, good and bad ones', async () => {
  const authority = await startAuthority();
  const reviews = await member(authority, 'reviews', tokens.reviews);
  await reviews.ready();
  const port = await serve(reviews);
  const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec: { host: reviews, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["${uri('reviews')}"] } } }
`;
  authority.config.write('reviews.yaml', serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]));
  authority.config.write('rule.yaml', rule);
  const shop = await member(authority, 'shop', tokens.shop);
  const answer = () => shop.fetch('http://reviews/').then((response) => response.text(), String);
  await expect.poll(answer, { timeout: 10_000 }).toBe(uri('shop'));

  const guess = 'a-token-that-nobody-knows';
  scan.guard('a token that is refused', guess);
  const liar = await member(authority, 'liar', guess);
  expect(liar.status().identity?.spiffeId).toBeUndefined();
  expect(liar.status().identity?.problem).toContain('UNAUTHENTICATED');
  scan.hear(await liar.fetch('http://reviews/').catch((error) => error));
  scan.hear(await liar.ready({ timeoutMs: 1 }).catch((error) => error));
}, 40_000);

it('shows no token of a request, whether it is good, bad or broken', async () => {
  const key = makeKey('ES256', 'one');
  scan.guardKey(key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const rules = JSON.stringify([
    {
      issuer: 'me',
      jwks: keySet([key]),
      fromParams: ['token'],
      fromHeaders: [{ name: 'authorization', prefix: 'Bearer ' }],
    },
  ]);
  const authentication = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: default }
spec: { jwtRules: ${rules} }
`;
  const policy = authorizationPolicy('some', '{ rules: [{ from: [{ source: { requestPrincipals: ["me/*"] } }] }] }');
  const identity = new MeshAuthority().issue('reviews');
  const mesh = await scannedMesh(scan, { 'tokens.yaml': authentication, 'policy.yaml': policy }, identity);
  const port = await serve(mesh);
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const good = await sign(key, { iss: 'me', sub: 'somebody', exp });
  const sent = {
    good,
    expired: await sign(key, { iss: 'me', sub: 'somebody', exp: 1 }),
    forged: await sign(makeKey('ES256', 'one'), { iss: 'me', sub: 'somebody', exp }),
    broken: `${good.slice(0, -20)}!!!`,
  };
  const answers: number[] = [];
  for (const [what, token] of Object.entries(sent)) {
    // Signature and all: what it says may be told, what proves it may not.
    scan.guard(`the ${what} token`, token.split('.')[2]!);
    for (const init of [{ headers: { authorization: `Bearer ${token}` } }, {}]) {
      const url = `http://127.0.0.1:${port}/${'headers' in init ? '' : `?token=${token}`}`;
      const response = await fetch(url, init);
      scan.hear([...response.headers, await response.text()]);
      answers.push(response.status);
    }
  }
  expect(answers).toEqual([200, 200, 401, 401, 401, 401, 401, 401]);
}, 20_000);

it('shows no key in errors about files that are wrong', async () => {
  const { chain, bundle } = new MeshAuthority().issue('shop');
  const { key } = new MeshAuthority().issue('shop');
  const halves = { mismatched: key, 'cut off': key.slice(0, 100), swapped: `${chain}${key}` };
  for (const [what, wrong] of Object.entries(halves)) {
    const folder = keep(new IdentityFolder({ chain, key: wrong, bundle }));
    const mesh = keep(
      await createMesh({ config: keep(new ConfigFolder()).path, identity: folder.path, logger: scan.logger }),
    );
    scan.watch(mesh);
    expect(mesh.status().identity?.problem, what).toContain('key.pem');
  }
  const swapped = keep(new IdentityFolder({ chain: key, key, bundle }));
  const mesh = keep(
    await createMesh({ config: keep(new ConfigFolder()).path, identity: swapped.path, logger: scan.logger }),
  );
  scan.watch(mesh);
  const redis = 'not-a-scheme//me:a-long-password@host';
  scan.guard('the password of a Redis', 'a-long-password');
  scan.hear(await createMesh({ rateLimits: { redis } }).catch((error) => error));
});

it('prints an identity without its key, which is there for who asks', async () => {
  const identity = new MeshAuthority().issue('shop');
  const mesh = await scannedMesh(scan, {}, identity);
  const certificate = mesh.internals.identity?.current?.certificate;
  expect(certificate?.privateKey).toBe(identity.key);
  expect(inspect(certificate)).not.toContain('PRIVATE');
  expect(JSON.stringify(certificate)).not.toContain('PRIVATE');
});
