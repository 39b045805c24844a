import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { Mesh, MeshOptions } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority, type TestIdentity } from '../support/mesh-authority.js';
import { scannedMesh, strictYaml } from '../support/scanned-mesh.js';
import { scanForSecrets } from '../support/secret-scan.js';

const scan = scanForSecrets();
const authority = new MeshAuthority();
const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;

const ruleYaml = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec:
  host: reviews
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["${uri('reviews')}"] }
`;

interface Seen {
  readonly url: string | undefined;
  readonly caller: string | undefined;
  readonly forwarded: string | string[] | undefined;
}

async function reviewsOf(options: MeshOptions = {}) {
  const seen: Seen[] = [];
  const mesh = await scannedMesh(scan, { 'strict.yaml': strictYaml }, authority.issue('reviews'), options);
  const server = mesh.createServer((req, res) => {
    const { url, headers } = req;
    seen.push({ url, caller: req.mesh?.peer?.spiffeId, forwarded: headers['x-forwarded-client-cert'] });
    res.end('reviews');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => void server.close().closeAllConnections() });
  return { seen, port: (server.address() as AddressInfo).port };
}

function shopOf(port: number): Promise<Mesh> {
  const reviews = serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]);
  return scannedMesh(scan, { 'reviews.yaml': reviews, 'rule.yaml': ruleYaml }, authority.issue('shop'));
}

/** Lines as they are, to which a client of Node would not agree. Returns the status. */
async function ask(port: number, lines: readonly string[], client?: TestIdentity): Promise<string> {
  const target = { port, host: '127.0.0.1' };
  const tls = client && { cert: client.chain, key: client.key, rejectUnauthorized: false, servername: 'reviews' };
  const socket = tls === undefined ? connect(target) : tlsConnect({ ...target, ...tls });
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(`${[...lines, 'Host: reviews', 'Connection: close'].join('\r\n')}\r\n\r\n`);
  await once(socket, 'close');
  return text.split(' ')[1] ?? '';
}

describe('mutual TLS between two services, from certificates in files', () => {
  it('is what a call goes by when both ends are configured for it, and each knows the other', async () => {
    const reviews = await reviewsOf();
    const shop = await shopOf(reviews.port);
    const response = await shop.fetch('http://reviews/');
    expect(await response.text()).toBe('reviews');
    expect(reviews.seen).toEqual([{ url: '/', caller: uri('shop'), forwarded: undefined }]);
    expect(shop.status().identity).toMatchObject({
      spiffeId: uri('shop'),
      trustDomains: ['cluster.local'],
      problem: undefined,
    });
  });

  it('takes x-forwarded-client-cert, said once or twice, from nobody but the proxies it is told of', async () => {
    const lines = [
      'GET / HTTP/1.1',
      'X-Forwarded-Client-Cert: URI=spiffe://a',
      'x-forwarded-client-cert: URI=spiffe://b',
    ];
    const { port, seen } = await reviewsOf({ trustForwardedClientCert: [uri('gateway')] });
    for (const name of ['shop', 'gateway']) expect(await ask(port, lines, authority.issue(name))).toBe('200');
    expect(seen.map(({ caller, forwarded }) => [caller, forwarded])).toEqual([
      [uri('shop'), undefined],
      [uri('gateway'), 'URI=spiffe://a, URI=spiffe://b'],
    ]);
  });

  it('leaves the paths of kubelets, and them alone, in plain text', async () => {
    const { port, seen } = await reviewsOf({ probes: { paths: ['/healthz'] } });
    expect(await ask(port, ['GET /healthz?now HTTP/1.1'])).toBe('200');
    expect(await ask(port, ['HEAD /healthz HTTP/1.1'])).toBe('200');
    const others = ['GET / HTTP/1.1', 'POST /healthz HTTP/1.1', 'GET /healthz/ HTTP/1.1', 'GET //healthz HTTP/1.1'];
    for (const line of [...others, 'GET /Healthz HTTP/1.1', 'GET /%68ealthz HTTP/1.1', 'GET /a/../healthz HTTP/1.1']) {
      expect(await ask(port, [line]), line).toBe('403');
    }
    expect(seen.map(({ url }) => url)).toEqual(['/healthz?now', '/healthz']);
    expect(await scan.metrics()).toContain('inmesh_connections_refused_total{reason="plaintext"} 7');
  });
});
