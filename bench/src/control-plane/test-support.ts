import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';
import type { MeshObject } from './mesh-objects.js';

/** What is used of `test/k8s/support`, which is run from its sources. */
export interface ApiServer {
  readonly adminToken: string;
  readonly directUrl: string;
  readonly api: ApiClient;
  kubeconfigOf(token: string, server: string): string;
  close(): Promise<void>;
}

export interface ApiClient {
  request(
    method: string,
    path: string,
    body?: object,
    options?: { readonly contentType: string },
  ): Promise<{ readonly status: number; readonly body: MeshObject }>;
  watch(path: string, query: Readonly<Record<string, string>>): Promise<Watch>;
}

export interface Watch {
  find(
    what: string,
    fits: (event: { readonly object: MeshObject }) => boolean,
  ): Promise<{
    /** `performance.now()` */
    readonly at: number;
  }>;
  close(): void;
}

export interface TestSupport {
  startApiServer(): Promise<ApiServer>;
  installCrds(server: ApiServer, set: 'istio'): Promise<void>;
  makeNamespace(api: ApiClient, name: string): Promise<void>;
  pathOf(object: MeshObject): string;
  listPath(apiVersion: string, kind: string, namespace: string): string;
  /** What the config server keeps of an object. */
  keptOfPod(object: MeshObject): MeshObject | undefined;
  keptOfSlice(object: MeshObject): MeshObject | undefined;
  close(): Promise<void>;
}

const repository = fileURLToPath(new URL('../../../', import.meta.url));

export async function loadTestSupport(): Promise<TestSupport> {
  const vite = await createViteServer({
    ...{ root: repository, configFile: false, appType: 'custom', logLevel: 'error' },
    server: { middlewareMode: true, hmr: false, watch: null, ws: false },
    optimizeDeps: { noDiscovery: true },
  });
  const load = (name: string) => vite.ssrLoadModule(`/test/k8s/support/${name}.ts`);
  const [server, crds, objects, paths] = await Promise.all(
    ['api-server', 'crds', 'cluster-objects', 'resource-path'].map(load),
  );
  const kept = await vite.ssrLoadModule('/packages/control-plane/src/sources/kubernetes/kept-parts.ts');
  return {
    keptOfPod: kept.keptOfPod,
    keptOfSlice: kept.keptOfSlice,
    startApiServer: () => server!.ApiServer.start(),
    installCrds: crds!.installCrds,
    makeNamespace: objects!.makeNamespace,
    pathOf: paths!.pathOf,
    listPath: paths!.listPath,
    close: () => vite.close(),
  };
}
