import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority, type TestIdentity } from '../support/mesh-authority.js';
import { scannedMesh } from '../support/scanned-mesh.js';
import { scanForSecrets } from '../support/secret-scan.js';
import { strangersTo } from '../support/strangers.js';

type Certified = Pick<TestIdentity, 'chain' | 'key'>;

const scan = scanForSecrets();
const authority = new MeshAuthority();

const ruleYaml = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec:
  host: reviews
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://cluster.local/ns/default/sa/reviews"] }
`;

/** Somebody in the place of the service, who keeps what is sent to it: within TLS, and beside it. */
interface Impostor {
  readonly port: number;
  readonly heard: { withinTls: string; onTheWire: string };
}

async function impostorOf(certified: Certified | undefined): Promise<Impostor> {
  const heard = { withinTls: '', onTheWire: '' };
  const sockets = new Set<Socket>();
  const certificate = certified && { cert: certified.chain, key: certified.key };
  const tls = createTlsServer({
    ...certificate,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  tls.on('tlsClientError', () => {});
  tls.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => (heard.withinTls += chunk.toString('latin1')));
  });
  const hearPlain = (chunk: Buffer, socket: Socket) => {
    heard.onTheWire += chunk.toString('latin1');
    socket.end('HTTP/1.1 200 OK\r\n\r\n');
  };
  const front = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (certified !== undefined) tls.emit('connection', socket);
    else socket.on('data', (chunk) => hearPlain(chunk, socket));
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  keep({
    close: () => {
      for (const socket of sockets) socket.destroy();
      front.close();
    },
  });
  return { port: (front.address() as AddressInfo).port, heard };
}

function shopOf({ port }: Impostor): Promise<Mesh> {
  const reviews = serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]);
  return scannedMesh(scan, { 'reviews.yaml': reviews, 'rule.yaml': ruleYaml }, authority.issue('shop'));
}

/** Of each kind, what a failed call says. */
const callers: Record<string, (mesh: Mesh) => Promise<string>> = {
  HTTP: async (mesh) => {
    const error = await mesh.fetch('http://reviews/', { method: 'POST', body: 'our secret order' }).catch((e) => e);
    return String(scan.hear(error).message);
  },
  gRPC: async (mesh) => {
    const client = keep(mesh.grpc.client(TestService, 'reviews:80'));
    const { error } = await unary(client, { response_status: { code: 0, message: 'our secret order' } });
    return scan.hear(error)!.details;
  },
};

describe.each(Object.entries(callers))('a mesh that calls by %s', (protocol, call) => {
  it('sends nothing to servers that prove nothing, or another identity, and says what is wrong with them', async () => {
    const others = [
      { who: 'of another service account', asServer: 'unexpected_identity', ...authority.issue('ratings') },
    ];
    for (const { who, asServer, ...certified } of [...strangersTo(authority, 'reviews'), ...others]) {
      const impostor = await impostorOf(certified);
      expect(await call(await shopOf(impostor)), who).toContain(asServer);
      expect(impostor.heard.withinTls, who).toBe('');
    }
    const failed = await scan.metrics();
    expect(failed).toMatch(
      /istio_requests_total\{reporter="source".*destination_principal="unknown".*response_flags="UF(,URX)?"/,
    );
    expect(failed).not.toContain('response_code="200"');
  }, 60_000);

  it('sends nothing in plain text where TLS is asked for', async () => {
    const impostor = await impostorOf(undefined);
    expect(await call(await shopOf(impostor))).toMatch(/SSL|EPROTO|packet length|wrong version|record/i);
    expect(impostor.heard.onTheWire).not.toBe('');
    // Only a greeting of TLS, which names neither path nor body.
    expect(impostor.heard.onTheWire.charCodeAt(0)).toBe(0x16);
    expect(impostor.heard.onTheWire).not.toMatch(/our secret order|POST|PRI \*/);
  });

  it(`speaks with the one it expects (${protocol})`, async () => {
    const server = await impostorOf(authority.issue('reviews'));
    const mesh = await shopOf(server);
    const called = call(mesh).catch(() => {});
    await expect.poll(() => server.heard.withinTls).toMatch(protocol === 'HTTP' ? /our secret order/ : /PRI \*/);
    await mesh.close({ graceMs: 0 });
    await called;
  });
});
