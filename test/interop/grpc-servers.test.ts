import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { type ControlPlane, startControlPlane } from '@inmesh/control-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { freePorts } from '../support/free-ports.js';
import { clientsOf } from './support/client-status.js';
import { goProgram } from './support/go-program.js';
import { type GrpcLibrary, grpcLibraries } from './support/grpc-peer.js';
import { npmPeer } from './support/peer-cache.js';

const templates = ['grpc/server?xds.resource.listening_address=%s', 'xds.istio.io/grpc/lds/inbound/%s'];
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const wait = { timeout: 30_000, interval: 50 };

let folder: ConfigFolder;
let server: ControlPlane;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = new ConfigFolder();
  const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
  server = await startControlPlane({ config: [folder.path], logger: silent, ...ports });
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await server.close();
  await folder.close();
});

async function commandOf(library: GrpcLibrary): Promise<readonly string[]> {
  if (library === 'grpc-go') return [await goProgram('go-server')];
  const [port] = await freePorts(1);
  const program = join(import.meta.dirname, 'programs', 'grpc-js-server.mjs');
  return [process.execPath, program, await npmPeer('@grpc/grpc-js-xds', '1.14'), `127.0.0.1:${port}`];
}

/** All that the server has written. */
async function start(library: GrpcLibrary, template: string): Promise<() => string> {
  const [program, ...args] = await commandOf(library);
  const bootstrap = {
    xds_servers: [
      { server_uri: server.addresses.xds, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
    ],
    node: { id: library, locality: {} },
    server_listener_resource_name_template: template,
  };
  const env = { ...process.env, NODE_OPTIONS: '', GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) };
  const child = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      written += chunk;
    });
  }
  return () => written;
}

function call(address: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    const path = '/grpc.testing.TestService/UnaryCall';
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), { deadline: Date.now() + 10_000 }, (error, response) => {
      client.close();
      resolve(error?.details ?? response?.subarray(2).toString() ?? '');
    });
  });
}

/** What it asked for, and what it said to what it was given. */
async function heardOf(library: GrpcLibrary): Promise<string[]> {
  const clients = (await clientsOf(server.addresses.debug)).filter(({ nodeId }) => nodeId === library);
  return clients.flatMap(({ types }) =>
    types.flatMap(({ subscribed, nack, sentVersion, ackedVersion }) => [
      ...subscribed,
      nack?.message ?? (ackedVersion === sentVersion ? 'accepted' : 'not answered'),
    ]),
  );
}

describe.each(grpcLibraries)('A server of %s', (library) => {
  it.each(templates)('serves by the listener that it names as %s', async (template) => {
    const written = await start(library, template);
    await expect.poll(written, wait).toMatch(/^SERVING\b/im);
    const [address = ''] = written().split('\n');
    expect(await call(address)).toBe(library);
    await expect.poll(() => heardOf(library), wait).toEqual([template.replace('%s', address), 'accepted']);
  });
});
