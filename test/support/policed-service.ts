import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Mesh, MeshOptions } from 'inmesh';
import { send } from '../../packages/sdk/test/server/client.js';
import { ConfigFolder, serviceYaml } from './config-folder.js';
import { scanForSecrets } from './secret-scan.js';
import { type closeAfterEach, joinMesh, type Source } from './seeds.js';

const scan = scanForSecrets();

/** A service in the namespace `default` that the policies of a folder protect. */
export interface PolicedService {
  readonly mesh: Mesh;
  readonly folder: ConfigFolder;
  readonly port: number;
  /** Paths and headers that its handler was given. */
  readonly handled: { url: string | undefined; headers: Record<string, unknown> }[];
  /** Status and text. */
  get(path?: string, headers?: Record<string, string>, method?: string): Promise<string>;
}

export async function servePoliced(
  keep: ReturnType<typeof closeAfterEach>,
  files: Readonly<Record<string, string>>,
  { source = 'a folder', ...options }: MeshOptions & { source?: Source } = {},
): Promise<PolicedService> {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const mesh = await joinMesh(keep, folder, source, { logger: scan.logger, ...options });
  scan.watch(mesh);
  const handled: PolicedService['handled'] = [];
  const server = mesh.createServer(({ url, headers }, res) => {
    handled.push({ url, headers });
    res.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const get: PolicedService['get'] = async (path = '/', headers = {}, method = 'GET') => {
    const { status, body } = await send(port, { path, method, headers });
    return `${status} ${body}`;
  };
  return { mesh, folder, port, handled, get };
}

/**
 * A service on this port that is asked by CUSTOM policies, as provider `decider`.
 * @param kind `envoyExtAuthzHttp` or `envoyExtAuthzGrpc`
 * @param more further fields of the provider, each after a comma
 */
export function deciderFiles(kind: string, port: number, more = ''): Record<string, string> {
  const provider = `
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: { name: mesh, namespace: istio-system }
spec:
  meshConfig:
    extensionProviders:
      - name: decider
        ${kind}: { service: decider.default.svc.cluster.local, port: 9000, timeout: 5s${more} }
`;
  const instance = { app: 'decider', version: 'v1', port };
  return { 'provider.yaml': provider, 'decider.yaml': serviceYaml('decider', [instance], { port: 9000 }) };
}

export function authorizationPolicy(name: string, spec: string, annotations = ''): string {
  const metadata = `{ name: ${name}, namespace: default${annotations && `, annotations: { ${annotations} }`} }`;
  return `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: ${metadata}\nspec: ${spec}\n`;
}
