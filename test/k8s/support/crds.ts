import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goEnvironment } from '../../interop/support/go-program.js';
import type { ApiServer } from './api-server.js';
import { waitFor } from './wait-for.js';

const run = promisify(execFile);

/** What each is in its Go module, whose version is in `crds/go.mod`. */
const sources = {
  istio: { module: 'istio.io/api', file: 'kubernetes/customresourcedefinitions.gen.yaml' },
  'gateway-api': { module: 'sigs.k8s.io/gateway-api', file: 'config/crd/standard' },
  'gateway-api-experimental': { module: 'sigs.k8s.io/gateway-api', file: 'config/crd/experimental' },
} as const;

export type CrdSet = keyof typeof sources;

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
}

/** Resolves when the API server serves all of their kinds. @throws when the module cannot be had */
export async function installCrds(server: ApiServer, set: CrdSet): Promise<void> {
  const file = await fileOf(set);
  await server.kubectl('apply', '--server-side', '--filename', file);
  const { items } = JSON.parse(await server.kubectl('get', 'crd', '--output=json')) as { items: Definition[] };
  for (const path of items.flatMap(listPaths)) {
    // An established kind says 429 for a moment, until its storage is there.
    const isServed = async () => (await server.api.request('GET', `${path}?limit=1`)).status === 200;
    await waitFor(path, isServed, { bound: 60_000, log: () => server.log });
  }
}

/** With all objects of their kinds. */
export async function removeCrds(server: ApiServer, set: CrdSet): Promise<void> {
  await server.kubectl('delete', '--ignore-not-found', '--timeout=90s', '--filename', await fileOf(set));
}

function listPaths({ spec: { group, names, versions } }: Definition): string[] {
  const served = versions.filter((version) => version.served);
  return served.map(({ name }) => `/apis/${group}/${name}/${names.plural}`);
}

async function fileOf(set: CrdSet): Promise<string> {
  const { module, file } = sources[set];
  return join(await moduleFolder(module), file);
}

async function moduleFolder(module: string): Promise<string> {
  const cwd = join(import.meta.dirname, '..', 'crds');
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', module], { cwd, env: goEnvironment() });
    return JSON.parse(stdout).Dir;
  } catch (error) {
    throw new Error(`the Go module ${module} could not be had: ${(error as Error).message}`);
  }
}
