import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { startControlPlane } from '@inmesh/control-plane';
import { createMesh, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { makeCertificate, type TestCertificate } from '../support/certificates.js';
import { ConfigFolder } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

/** A service outside the mesh, with a certificate of an authority that the world does not know, as public ones are not here. */
const host = 'bank.test';
const root = makeCertificate({ hosts: ['the root'], isCa: true, keyUsage: ['keyCertSign'] });
const issuer = { hosts: ['the root'], keyObject: root.keyObject };
const ofBank = makeCertificate({ hosts: [host, 'alias.test'], issuer });
const ofClient = makeCertificate({ hosts: ['shop'], issuer });

const entryYaml = (port: number) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: bank, namespace: default }
spec:
  hosts: [${host}]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [{ address: 127.0.0.1, ports: { http: ${port} } }]
`;

const ruleYaml = (tls: object) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: bank, namespace: default }
spec:
  host: ${host}
  trafficPolicy: { tls: ${JSON.stringify(tls)}, connectionPool: { http: { maxRequestsPerConnection: 1 } } }
`;

const secretYaml = (name: string, stringData: object) => `
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: default }
stringData: ${JSON.stringify(stringData)}
`;

interface Seen {
  readonly sni: unknown;
  /** The common name of the client's certificate; undefined: it has shown none. */
  readonly client: string | undefined;
}

async function bank(identity: TestCertificate = ofBank) {
  const seen: Seen[] = [];
  const options = { cert: identity.certificate, key: identity.key, ca: root.certificate, requestCert: true };
  const server = createServer({ ...options, rejectUnauthorized: false }, (req, res) => {
    const socket = req.socket as TLSSocket & { servername?: unknown };
    seen.push({ sni: socket.servername, client: socket.getPeerX509Certificate()?.subject.replace('CN=', '') });
    res.end('done');
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

async function meshTo(port: number, tls: object, ...more: string[]): Promise<Mesh> {
  const config = keep(new ConfigFolder());
  config.write('all.yaml', [entryYaml(port), ruleYaml(tls), ...more].join('---'));
  const mesh = keep(await createMesh({ config: config.path }));
  await mesh.ready();
  return mesh;
}

async function get(mesh: Mesh): Promise<string> {
  try {
    const response = await mesh.fetch(`http://${host}/`);
    return `${response.status} ${await response.text()}`;
  } catch (error) {
    const { cause = error } = error as Error;
    return String((cause as Error).message);
  }
}

/** Paths of the certificates in a folder of their own. */
function files() {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-tls-'));
  keep({ close: () => rmSync(folder, { recursive: true }) });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const clientCertificate = write('client.pem', ofClient.certificate);
  const privateKey = write('key.pem', ofClient.key);
  return { write, caCertificates: write('ca.pem', root.certificate), clientCertificate, privateKey };
}

describe('TLS of a DestinationRule to a service outside of the mesh, from a process without an identity', () => {
  it('SIMPLE goes by the authorities of its file, with the name of the host', async () => {
    const { port, seen } = await bank();
    const { caCertificates } = files();
    expect(await get(await meshTo(port, { mode: 'SIMPLE', caCertificates }))).toBe('200 done');
    expect(seen).toEqual([{ sni: host, client: undefined }]);
  });

  it('SIMPLE goes by the authorities of the system without any, never by none', async () => {
    const { port, seen } = await bank();
    expect(await get(await meshTo(port, { mode: 'SIMPLE' }))).toMatch(/self-signed certificate in|unable to/);
    expect(seen).toEqual([]);
  });

  it.each([
    ['sni', { sni: 'alias.test' }, '200 done'],
    ['a sni that its certificate is not for', { sni: 'other.test' }, 'altnames'],
    ['subjectAltNames', { sni: 'other.test', subjectAltNames: ['alias.test'] }, '200 done'],
    ['subjectAltNames that it has not', { subjectAltNames: ['other.test'] }, 'unexpected_identity'],
  ])('is for the names of %s', async (_what, names, expected) => {
    const { port } = await bank();
    const { caCertificates } = files();
    expect(await get(await meshTo(port, { mode: 'SIMPLE', caCertificates, ...names }))).toContain(expected);
  });

  it('takes any certificate where insecureSkipVerify says so', async () => {
    const { port } = await bank(makeCertificate({ hosts: ['anybody'] }));
    expect(await get(await meshTo(port, { mode: 'SIMPLE', insecureSkipVerify: true }))).toBe('200 done');
  });

  it('MUTUAL shows the certificate of its files, and the new one when all of them are written', async () => {
    const { port, seen } = await bank();
    const { write, ...paths } = files();
    const mesh = await meshTo(port, { mode: 'MUTUAL', ...paths });
    const next = makeCertificate({ hosts: ['next'], issuer });
    const steps = [
      ['client.pem', next.certificate.slice(0, 99)],
      ['client.pem', next.certificate],
      ['ca.pem', 'garbage'],
      ['ca.pem', root.certificate],
      ['key.pem', next.key],
    ] as const;
    expect(await get(mesh)).toBe('200 done');
    for (const [name, text] of steps) {
      write(name, text);
      expect(await get(mesh)).toBe('200 done');
    }
    expect(seen.map(({ client }) => client)).toEqual([...Array(5).fill('shop'), 'next']);
  });

  it('fails where a file is missing, and never goes without it', async () => {
    const { port, seen } = await bank();
    const { write: _, ...paths } = files();
    const missing = { ...paths, privateKey: '/nowhere/key.pem' };
    expect(await get(await meshTo(port, { mode: 'MUTUAL', ...missing }))).toContain('/nowhere/key.pem');
    expect(seen).toEqual([]);
  });

  it('credentialName finds a Secret of the folder: pair and authorities', async () => {
    const { port, seen } = await bank();
    const pair = { 'tls.crt': ofClient.certificate, 'tls.key': ofClient.key, 'ca.crt': root.certificate };
    const tls = { mode: 'MUTUAL', credentialName: 'bank' };
    expect(await get(await meshTo(port, tls, secretYaml('bank', pair)))).toBe('200 done');
    expect(seen).toEqual([{ sni: host, client: 'shop' }]);
  });

  it('credentialName of SIMPLE finds authorities alone', async () => {
    const { port, seen } = await bank();
    const secret = secretYaml('bank-cacert', { cacert: root.certificate });
    expect(await get(await meshTo(port, { mode: 'SIMPLE', credentialName: 'bank' }, secret))).toBe('200 done');
    expect(seen).toEqual([{ sni: host, client: undefined }]);
  });

  it('credentialName without a Secret fails and says which, and one with a list of revoked certificates, too', async () => {
    const { port, seen } = await bank();
    const tls = { mode: 'SIMPLE', credentialName: 'bank' };
    expect(await get(await meshTo(port, tls))).toContain('kubernetes://bank-cacert');
    const crl = '-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n';
    const revoking = secretYaml('bank-cacert', { cacert: root.certificate, crl });
    expect(await get(await meshTo(port, tls, revoking))).toContain('kubernetes://bank-cacert');
    expect(seen).toEqual([]);
  });

  it('credentialName finds a Secret by way of the config server, which keeps it fresh, and goes on without it', async () => {
    const { port, seen } = await bank();
    const secretOf = (pair: TestCertificate) =>
      secretYaml('bank', { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': root.certificate });
    const config = keep(new ConfigFolder());
    config.write('rule.yaml', [entryYaml(port), ruleYaml({ mode: 'MUTUAL', credentialName: 'bank' })].join('---'));
    config.write('secret.yaml', secretOf(ofClient));
    const logger = { info() {}, warn() {}, error() {} };
    const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
    const server = keep(await startControlPlane({ config: [config.path], logger, ...ports }));
    const mesh = keep(await createMesh({ xds: server.addresses.xds }));
    await mesh.ready();
    expect(await get(mesh)).toBe('200 done');
    config.write('secret.yaml', secretOf(makeCertificate({ hosts: ['next'], issuer })));
    const client = async () => {
      await get(mesh);
      return seen.at(-1)?.client;
    };
    await expect.poll(client, { timeout: 10_000 }).toBe('next');
    await server.close();
    expect(await get(mesh)).toBe('200 done');
    expect(seen.at(-1)?.client).toBe('next');
    expect(JSON.stringify([mesh.status(), mesh.explain(`http://${host}/`)])).not.toContain('PRIVATE KEY');
  });

  it('holds for gRPC as well', async () => {
    const { certificate, key } = ofBank;
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
    const credentials = grpc.ServerCredentials.createSsl(Buffer.from(root.certificate), [pair], true);
    const server = keep(await grpcServer({ credentials }));
    const { write: _, ...paths } = files();
    const mesh = await meshTo(server.port, { mode: 'MUTUAL', ...paths });
    const client = keep(mesh.grpc.client(TestService, `${host}:80`));
    expect((await unary(client)).response?.username).toBe('a');
  });
});
