import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { create, type JsonObject } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { type AccessLog, AccessLogSchema, DataSourceSchema } from '@inmesh/xds/messages';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../packages/sdk/test/server/client.js';
import { rbac } from '../../packages/xds/test/inbound-fixtures.js';
import { istiodInbound } from '../../packages/xds/test/istiod-inbound.js';
import { type Backend, startBackend } from '../support/backends.js';
import { keep } from '../support/keep.js';
import { RawXdsServer } from '../support/raw-xds-server.js';
import { xdsService } from '../support/xds-shop.js';

const url = 'http://shop/';
let folder: string;
let path: string;
let server: RawXdsServer;
let backend: Backend;
let meshes: Mesh[];
let warnings: string[];
const onWarning = ({ name, message }: Error) => {
  if (name === 'InmeshWarning') warnings.push(message);
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'inmesh-copy-'));
  path = join(folder, 'kept', 'last-good');
  backend = await startBackend('shop', 'v1');
  server = await new RawXdsServer().start();
  setService(server, backend.port);
  meshes = [];
  warnings = [];
  process.on('warning', onWarning);
});

afterEach(async () => {
  await Promise.all(meshes.map((mesh) => mesh.close()));
  process.off('warning', onWarning);
  server.kill();
  await backend.close();
  rmSync(folder, { recursive: true });
});

function setService(to: RawXdsServer, port: number): void {
  const { cluster, endpoint, listener, route } = xdsService('shop', port);
  to.set('cluster', [cluster]);
  to.set('endpoint', [endpoint]);
  to.set('listener', [listener]);
  to.set('route', [route]);
}

async function joinMesh(options: Partial<MeshOptions> = {}): Promise<Mesh> {
  const mesh = await createMesh({ xds: server.uri, lastGoodCopy: path, workload: { app: 'web' }, ...options });
  meshes.push(mesh);
  return mesh;
}

/** A copy is there, and the server is not. */
async function keepCopy(): Promise<void> {
  const mesh = await joinMesh();
  await mesh.ready();
  await mesh.close();
  server.kill();
}

const get = async (mesh: Mesh) => (await mesh.fetch(url)).text();

/** What the log says of the copy when a mesh starts without a server, and the mesh. */
async function startWithout(options: Partial<MeshOptions> = {}): Promise<{ mesh: Mesh; said: string[] }> {
  const said: string[] = [];
  const note = (text: string) => {
    if (text.includes('copy')) said.push(text);
  };
  const logger = { info: note, warn: note, error: note };
  return { mesh: await joinMesh({ logger, startTimeoutMs: 200, ...options }), said };
}

describe('the copy of the last good configuration', () => {
  it('is not written unless it is asked for', async () => {
    const mesh = await joinMesh({ lastGoodCopy: undefined as never });
    await mesh.ready();
    await mesh.close();
    expect(existsSync(path)).toBe(false);
  });

  it('serves a process that starts without a server, and says how old it is', async () => {
    await keepCopy();
    const { mesh, said } = await startWithout();
    expect(await get(mesh)).toBe('v1');
    await mesh.ready();
    expect(said).toEqual([expect.stringMatching(/^a copy of the last good configuration is used, \d+ s old$/)]);
    expect(mesh.status()).toMatchObject({ ready: true, problem: expect.stringMatching(/copy.*\d+ s old$/) });
    await expect.poll(() => warnings).toEqual([expect.stringContaining('in use is a copy')]);
  });

  it('is readable for its owner alone, and so is a folder that is made for it', async () => {
    await keepCopy();
    expect([statSync(path).mode & 0o777, statSync(join(folder, 'kept')).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('gives way to what a server says when it comes', async () => {
    await keepCopy();
    const { mesh } = await startWithout();
    expect(await get(mesh)).toBe('v1');
    const second = await startBackend('shop', 'v2');
    setService(server, second.port);
    await server.start();
    await expect.poll(() => get(mesh), { timeout: 10_000 }).toBe('v2');
    expect(mesh.status().problem).toBeUndefined();
    await second.close();
  });

  it('is written anew when the configuration changes, by a mesh that is not closed', async () => {
    const mesh = await joinMesh();
    await mesh.ready();
    await expect.poll(() => existsSync(path), { timeout: 5000 }).toBe(true);
    const before = readFileSync(path, 'utf8');
    setService(server, backend.port + 1);
    await expect.poll(() => readFileSync(path, 'utf8') !== before, { timeout: 5000 }).toBe(true);
  });

  it('keeps what it had when the server never sends all of a configuration', async () => {
    await keepCopy();
    const before = readFileSync(path, 'utf8');
    await server.start();
    server.takeOver = () => {};
    const { mesh } = await startWithout();
    expect(await get(mesh)).toBe('v1');
    await expect
      .poll(() => mesh.status().problem)
      .toMatch(/^connected to \S+, which has sent no complete configuration yet; in use is a copy/);
    await mesh.close();
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('outlives the process that wrote it', async () => {
    await keepCopy();
    const program = `
      import { createMesh } from 'inmesh';
      const mesh = await createMesh();
      console.log(await (await mesh.fetch('${url}')).text());
      await mesh.close();`;
    const env = { ...process.env, INMESH_XDS: server.uri, INMESH_XDS_CACHE: path, INMESH_APP: 'web' };
    const args = ['--conditions', 'node', '--input-type=module', '-e', program];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, cwd: import.meta.dirname });
    expect(stdout).toBe('v1\n');
    expect(stderr).toContain('in use is a copy of the last good configuration');
  });
});

describe('of what comes in, a copy', () => {
  const policy = (permission: JsonObject) =>
    rbac({
      rules: { action: 'DENY', policies: { p: { permissions: [permission], principals: [{ any: true }] } } },
    });

  /** What a client is told by the server of a mesh that has its configuration from the server, then by one without it. */
  async function askWithAndWithout(policies: JsonObject, accessLog: AccessLog[] = []): Promise<string[]> {
    const { listener } = xdsService('shop', backend.port);
    const inbound = istiodInbound({ mode: 'PERMISSIVE', ports: [], httpFilters: [policies] });
    inbound.accessLog.push(...accessLog);
    server.set('listener', [listener, inbound]);
    const first = await joinMesh();
    await first.ready();
    const answers = [await ask(first)];
    await first.close();
    server.kill();
    const { mesh } = await startWithout();
    await mesh.ready();
    return [...answers, await ask(mesh)];
  }

  async function ask(mesh: Mesh): Promise<string> {
    const served = keep(mesh.createServer((_req, res) => void res.end('hello')));
    await once(served.listen(0, '127.0.0.1'), 'listening');
    const { port } = served.address() as AddressInfo;
    const headers = { connection: 'close', 'x-note': 'secret' };
    return send(port, { headers }).then(
      ({ status, body }) => `${status} ${body}`,
      () => 'no answer',
    );
  }

  it('lets in nobody where the server’s listener was refused', async () => {
    expect(await askWithAndWithout(policy({ matcher: { name: 'x' } }))).toEqual(['no answer', 'no answer']);
    expect(server.refusals).toHaveLength(1);
  });

  it('has policies that speak of keys', async () => {
    const header = { name: 'x-note', stringMatch: { suffix: 'PRIVATE KEY-----' }, invertMatch: true };
    const answers = await askWithAndWithout(policy({ header }));
    expect(answers).toEqual(['403 RBAC: access denied', '403 RBAC: access denied']);
  });

  it('lets in nobody where the listener has a key in it, which is not written', async () => {
    const key = create(DataSourceSchema, {
      specifier: { case: 'inlineString', value: '-----BEGIN PRIVATE KEY-----aB3' },
    });
    const configType = { case: 'typedConfig' as const, value: anyPack(DataSourceSchema, key) };
    const answers = await askWithAndWithout(policy({ header: { name: 'x-note', exactMatch: 'other' } }), [
      create(AccessLogSchema, { name: 'log', configType }),
    ]);
    expect(answers).toEqual(['200 hello', 'no answer']);
    const written = readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => Buffer.from(line.split('"')[5] ?? '', 'base64'));
    expect(['shop', 'aB3'].map((word) => Buffer.concat(written).includes(word))).toEqual([true, false]);
  });
});

describe('a copy that cannot be trusted is not used, and the log says why:', () => {
  it.each<[what: string, spoil: () => void, why: RegExp]>([
    ['it was cut off', () => writeFileSync(path, readFileSync(path).subarray(0, -100)), /damaged or cut off/],
    ['it lost its last lines', () => cutLines(1), /damaged or cut off/],
    ['it was changed', () => writeFileSync(path, readFileSync(path, 'utf8').replace('cluster', 'clyster')), /damaged/],
    ['it is empty', () => writeFileSync(path, ''), /not a file that inmesh wrote/],
    ['it is something else', () => writeFileSync(path, '{"a":1}\n{"b":2}\n'), /not a file that inmesh wrote/],
    ['it is null', () => writeFileSync(path, 'null\n'), /not a file that inmesh wrote/],
    ['others may read it', () => chmodSync(path, 0o640), /its mode is 0640, and must be 0600/],
    ['others may write it', () => chmodSync(path, 0o602), /its mode is 0602/],
    ['it is a link', () => swapForLink(), /it is a symbolic link/],
  ])('%s', async (_, spoil, why) => {
    await keepCopy();
    spoil();
    const { mesh, said } = await startWithout();
    await expect(mesh.fetch(url)).rejects.toThrow();
    expect(said).toEqual([expect.stringMatching(why)]);
    await expect(mesh.ready({ timeoutMs: 1 })).rejects.toMatchObject({ reason: 'not_ready' });
  });

  it('it is another workload’s', async () => {
    await keepCopy();
    const { mesh, said } = await startWithout({ workload: { app: 'other' } });
    await expect(mesh.fetch(url)).rejects.toThrow();
    expect(said).toEqual([expect.stringMatching(/it is that of web in default from .*, and this is other in default/)]);
  });
});

describe('without a server, the log says', () => {
  it('that there is no copy yet', async () => {
    server.kill();
    const { mesh, said } = await startWithout();
    await expect(mesh.fetch(url)).rejects.toThrow();
    expect(said).toEqual(['there is no copy of the last good configuration yet']);
  });

  it('that none can ever be at the path', async () => {
    server.kill();
    const { mesh, said } = await startWithout({ lastGoodCopy: '/proc/nope/copy' });
    await expect(mesh.fetch(url)).rejects.toThrow();
    expect(said).toEqual([expect.stringMatching(/is not used: its folder \/proc\/nope cannot be made/)]);
  });
});

function cutLines(count: number): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, `${lines.slice(0, -1 - count).join('\n')}\n`);
}

function swapForLink(): void {
  writeFileSync(`${path}.real`, readFileSync(path), { mode: 0o600 });
  rmSync(path);
  symlinkSync(`${path}.real`, path);
}
