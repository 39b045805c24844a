import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaOptions } from '@inmesh/control-plane';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { makeCsr, pemOfKey } from '../../../packages/control-plane/test/support/ca.js';
import { requestCertificate } from '../../../packages/control-plane/test/support/certificate-client.js';
import { type ConfigFolder, serviceYaml } from '../../support/config-folder.js';
import type { MeshAuthority } from '../../support/mesh-authority.js';
import type { closeAfterEach } from '../../support/seeds.js';
import type { ConfigServerTls } from './envoy-bootstrap.js';
import { type Server, serve } from './envoy-mesh.js';

type Keep = ReturnType<typeof closeAfterEach>;

export const spiffeIdOf = (account: string) => `spiffe://cluster.local/ns/default/sa/${account}`;

/** A config server with an authority, and a token for each of the service accounts of the namespace `default`. */
export interface SecuredMesh {
  readonly server: Server;
  /** A file. */
  readonly roots: string;
  tokenOf(account: string): string;
  /** How an Envoy comes as this service account. */
  tlsOf(account: string): ConfigServerTls;
  /** Of the SDK, with an identity of the server's authority. */
  join(account: string, options?: MeshOptions): Promise<Mesh>;
}

export async function serveSecured(
  keep: Keep,
  folder: ConfigFolder,
  accounts: readonly string[],
  ca: CaOptions = {},
): Promise<SecuredMesh> {
  const path = mkdtempSync(join(tmpdir(), 'inmesh-secured-'));
  keep({ close: async () => rmSync(path, { recursive: true, force: true }) });
  const tokenOf = (account: string) => `a-token-for-${account}`;
  const tokenFile = join(path, 'tokens');
  const lines = accounts.map((account) => `${tokenOf(account)} default/${account}\n`);
  writeFileSync(tokenFile, lines.join(''), { mode: 0o600 });
  const server = keep(await serve(folder.path, 0, { tlsPort: 0, tokenFile, ...ca }));
  const roots = join(path, 'roots.pem');
  writeFileSync(roots, server.authority!.roots.join(''));
  const authority = server.tls.replace('127.0.0.1', 'localhost');
  return {
    ...{ server, roots, tokenOf },
    tlsOf: (account) => ({ roots: server.authority!.roots.join(''), proof: { token: tokenOf(account) } }),
    async join(account, options = {}) {
      const identity = { authority, roots, token: { text: tokenOf(account) } };
      const mesh = keep(await createMesh({ config: folder.path, identity, ...options }));
      await mesh.ready();
      return mesh;
    },
  };
}

/** What an agent of a machine would have left in a file. */
export async function fetchPair({ server, tokenOf }: SecuredMesh, account: string) {
  const { csr, keys } = await makeCsr();
  const address = server.tls.replace('127.0.0.1', 'localhost');
  const answer = await requestCertificate(address, server.authority!.roots, { csr }, { token: tokenOf(account) });
  return { chain: answer.slice(0, -1).join(''), key: await pemOfKey(keys.privateKey), bundle: answer.at(-1)! };
}

/** A server of the SDK that says who called, each time on a connection of its own; returns its port. */
export async function listenFor(keep: Keep, mesh: Mesh): Promise<number> {
  const server = mesh.createServer((req, res) => {
    res.setHeader('connection', 'close').end(`hello ${req.mesh?.peer?.spiffeId}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  });
  return (server.address() as AddressInfo).port;
}

/** The authority of somebody else, in a folder that the config server reads. */
export class GivenAuthority {
  readonly path = mkdtempSync(join(tmpdir(), 'inmesh-given-'));

  /** @param trusted PEM, all roots */
  write({ root }: MeshAuthority, trusted: string): void {
    writeFileSync(join(this.path, 'root-cert.pem'), trusted);
    writeFileSync(join(this.path, 'ca-key.pem'), root.key, { mode: 0o600 });
    writeFileSync(join(this.path, 'ca-cert.pem'), root.certificate);
  }

  async close(): Promise<void> {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A service whose one pod has this service account, and takes the TLS of the mesh. */
export function securedService(name: string, port: number, account = name): string {
  return serviceYaml(name, [{ app: name, version: 'v1', port }])
    .split('\n---\n')
    .map((text) => {
      const object = JSON.parse(text) as { kind: string; metadata: { labels?: Record<string, string> }; spec?: object };
      if (object.kind !== 'Pod') return text;
      const labels = { ...object.metadata.labels, 'security.istio.io/tlsMode': 'istio' };
      const metadata = { ...object.metadata, labels };
      return JSON.stringify({ ...object, metadata, spec: { serviceAccountName: account } });
    })
    .join('\n---\n');
}

export const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: STRICT } }
`;

/** Whom a host is expected to be; without a list, whoever its pods are. */
export function mutualTls(host: string, ...accounts: string[]): string {
  const names = accounts.length === 0 ? '' : `, subjectAltNames: ${JSON.stringify(accounts.map(spiffeIdOf))}`;
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host}, namespace: default }
spec:
  host: ${host}
  trafficPolicy: { tls: { mode: ISTIO_MUTUAL${names} } }
`;
}
