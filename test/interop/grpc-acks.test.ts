import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '@inmesh/control-plane';
import type { TypeStatus } from '@inmesh/xds/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { type Expected, expectedOf, missingOf, refusalsOf } from './support/acked-resources.js';
import { clientsOf } from './support/client-status.js';
import { type GrpcLibrary, GrpcPeer, grpcLibraries } from './support/grpc-peer.js';

const repository = join(import.meta.dirname, '../..');
const golden = join(repository, 'packages/config/test/golden');

type Files = Readonly<Record<string, string>>;

function filesIn(folder: string, names: readonly string[]): Files {
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

const examples = readdirSync(join(repository, 'examples')).map((name): [string, Files] => {
  const folder = join(repository, 'examples', name, 'config');
  return [`examples/${name}`, filesIn(folder, readdirSync(folder))];
});

/** The golden files begin with the seeds, and have the Services that those are about. */
const goldenFiles = readdirSync(golden)
  .filter((name) => name.endsWith('.in.yaml') && name !== 'mistakes.in.yaml')
  .map((name): [string, Files] => [name.replace('.in.yaml', ''), filesIn(golden, [name])]);

let folder: ConfigFolder;
let server: ControlPlane;
let callers: GrpcPeer[];
const silent = { debug() {}, info() {}, warn() {}, error() {} };

beforeAll(async () => {
  folder = new ConfigFolder();
  const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
  server = await startControlPlane({ config: [folder.path], logger: silent, ...ports });
  callers = await Promise.all(grpcLibraries.map((library) => GrpcPeer.start(library, server.addresses.xds)));
});

afterAll(async () => {
  for (const caller of callers) await caller.close();
  await server.close();
  await folder.close();
});

async function typesOf(library: GrpcLibrary): Promise<readonly TypeStatus[]> {
  const clients = await clientsOf(server.addresses.debug);
  return clients.filter(({ nodeId }) => nodeId === library).flatMap(({ types }) => types);
}

/** Settles with what a library has refused, or when it has accepted all that is expected. */
async function refusals(library: GrpcLibrary, expected: Expected): Promise<string[]> {
  let missing: string[] = [];
  for (let tries = 0; tries < 500; tries += 1) {
    const types = await typesOf(library);
    const refused = refusalsOf(types);
    missing = missingOf(expected, types);
    if (refused.length > 0 || missing.length === 0) return refused;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${library} has not asked for: ${missing.join(', ')}`);
}

/** Without its callers, and by way of no configuration: a host of two configurations is not to be taken for the other's. */
async function replaceFiles(files: Files, expected: Expected): Promise<void> {
  await Promise.all(callers.map((caller) => caller.dial([])));
  for (const name of readdirSync(folder.path)) folder.remove(name);
  await untilServed([]);
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  await untilServed(expected.listeners);
}

async function untilServed(names: readonly string[]): Promise<void> {
  const served = async () => {
    const dump = await fetch(`http://${server.addresses.debug}/debug/config_dump`);
    const { listeners } = (await dump.json()) as { listeners: { name: string }[] };
    return listeners.map(({ name }) => name);
  };
  await expect.poll(served, { timeout: 10_000, interval: 20 }).toEqual([...names].sort());
}

describe('Every gRPC library accepts all of', () => {
  it.each([...examples, ...goldenFiles])('%s', async (_, files) => {
    const expected = expectedOf(files);
    await replaceFiles(files, expected);
    await Promise.all(callers.map((caller) => caller.dial(expected.targets)));
    const refused = await Promise.all(grpcLibraries.map((library) => refusals(library, expected)));
    expect(Object.fromEntries(grpcLibraries.map((library, index) => [library, refused[index]]))).toEqual({
      'grpc-js-xds': [],
      'grpc-go': [],
    });
  });
});
