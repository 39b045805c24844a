import { readFileSync } from 'node:fs';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { seededRandom } from 'inmesh/testing';
import { afterEach } from 'vitest';
import { type Backend, startBackend } from './backends.js';
import type { ConfigFolder } from './config-folder.js';
import { startConfigServer } from './config-server.js';

export interface Closable {
  close(): Promise<unknown>;
}

/** Keeps what a test opens, and closes it after the test, the last first. */
export function closeAfterEach(): <T extends Closable>(one: T) => T {
  const open: Closable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  return (one) => {
    open.push(one);
    return one;
  };
}

export function seed(name: string): string {
  return readFileSync(new URL(`../fixtures/seed-configs/${name}.yaml`, import.meta.url), 'utf8');
}

/** The two ways in which a service gets its configuration. */
export const sources = ['a folder', 'the config server'] as const;
export type Source = (typeof sources)[number];

type Keep = ReturnType<typeof closeAfterEach>;

export async function joinMesh(
  keep: Keep,
  folder: ConfigFolder,
  source: Source,
  options: MeshOptions = {},
): Promise<Mesh> {
  const mesh = keep(
    await createMesh({ ...(await sourceOptions(keep, folder, source)), random: seededRandom(2026), ...options }),
  );
  await mesh.ready();
  return mesh;
}

async function sourceOptions(keep: Keep, folder: ConfigFolder, source: Source): Promise<MeshOptions> {
  if (source === 'a folder') return { config: folder.path };
  const server = await startConfigServer(folder.path);
  keep({ close: () => server.kill() });
  return { xds: server.xds };
}

/** One backend for each version; each answers with its version. */
export async function versions(keep: Keep, app: string, ...names: string[]): Promise<Backend[]> {
  return Promise.all(names.map(async (name) => keep(await startBackend(app, name))));
}

export async function answerOf(mesh: Mesh, url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await mesh.fetch(url, { headers });
  return `${response.status} ${await response.text()}`;
}

export function subsetsOf(host: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host} }
spec:
  host: ${host}
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;
}
