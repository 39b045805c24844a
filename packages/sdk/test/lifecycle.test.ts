import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MeshError } from '@inmesh/core';
import { getGlobalDispatcher, request } from 'undici';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { createMesh } from '../src/create-mesh.js';
import { expressMiddleware } from '../src/server/express.js';
import { closedPort, httpServer, type TestServer } from './support/test-server.js';

const run = promisify(execFile);
const meshOnDns = async () => keep(await createMesh({}));

async function greeter(): Promise<TestServer> {
  return keep(await httpServer((_, res) => res.end('hello')));
}

describe('install', () => {
  it('of two meshes leaves what was there before, in whatever order they are undone', async () => {
    const before = getGlobalDispatcher();
    const [first, second] = [await meshOnDns(), await meshOnDns()];
    const [undoFirst, undoSecond] = [first.install(), second.install()];
    undoFirst();
    expect(getGlobalDispatcher()).toBe(second.dispatcher);
    undoSecond();
    expect(getGlobalDispatcher()).toBe(before);
  });

  it('is not undone by what undid an earlier one', async () => {
    const mesh = await meshOnDns();
    const undoEarlier = mesh.install();
    undoEarlier();
    const undo = mesh.install();
    undoEarlier();
    expect(getGlobalDispatcher()).toBe(mesh.dispatcher);
    expect(mesh.install()).toBe(undo);
    undo();
  });
});

describe('a closed mesh', () => {
  it('refuses calls to hosts that it knew, and to others, and opens no connection', async () => {
    const server = await greeter();
    const mesh = await meshOnDns();
    const known = `http://127.0.0.1:${server.port}/`;
    expect(await (await mesh.fetch(known)).text()).toBe('hello');
    await mesh.close();
    await expect.poll(() => server.sockets.size).toBe(0);
    for (const url of [known, `http://localhost:${server.port}/`])
      await expect(mesh.fetch(url)).rejects.toMatchObject({ reason: 'mesh_closed' });
    expect(server.sockets.size).toBe(0);
  });

  it('has ended the calls under way when it was destroyed', async () => {
    const server = keep(await httpServer(() => {}));
    const mesh = await meshOnDns();
    const call = request(`http://127.0.0.1:${server.port}/`, { dispatcher: mesh.dispatcher }).catch((error) => error);
    await expect.poll(() => server.sockets.size).toBe(1);
    await mesh.dispatcher.destroy();
    expect(MeshError.is(await call)).toBe(true);
  });
});

describe('hosts beyond the configuration', () => {
  it('are all served when more are called at once than are kept', async () => {
    const server = await greeter();
    const mesh = await meshOnDns();
    const answers = Array.from({ length: 1200 }, async (_, i) => {
      const { body } = await request(`http://h${i}.localhost:${server.port}/`, { dispatcher: mesh.dispatcher });
      return body.text();
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['hello']));
    expect(mesh.snapshots.current.clusters.size).toBeLessThanOrEqual(1001);
  }, 20_000);
});

describe('closing', () => {
  it('ends calls that are still under way when the grace is over', async () => {
    const server = keep(await httpServer(() => {}));
    const mesh = await meshOnDns();
    const hanging = mesh.fetch(`http://127.0.0.1:${server.port}/`).catch((error) => error);
    await expect.poll(() => server.sockets.size).toBe(1);
    await mesh.close({ graceMs: 20 });
    expect(await hanging).toBeInstanceOf(MeshError);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('is not needed for a script with files to end', async () => {
    const script = `
      import { mkdtempSync } from 'node:fs';
      import { createMesh } from 'inmesh';
      const mesh = await createMesh({ config: mkdtempSync('/tmp/inmesh-exit-') });
      await mesh.ready();
      console.log(mesh.status().ready);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname });
    expect(stdout).toBe('true\n');
  });
});

describe('a call made before the first configuration', () => {
  it('waits no longer than the request that it serves has time', async () => {
    const nobody = await closedPort();
    const mesh = keep(await createMesh({ xds: `127.0.0.1:${nobody}`, startTimeoutMs: 3_600_000 }));
    const server = mesh.createServer(async (_, response) => {
      const answer = await mesh.fetch('http://reviews/');
      response.end(await answer.text());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    keep({ close: async () => void server.close() });
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-envoy-expected-rq-timeout-ms': '30' } });
    expect(answer.status).toBe(504);
    expect(await answer.text()).toMatch(/^deadline_exceeded/);
  });
});

describe('createMesh', () => {
  it('refuses options that it does not know or cannot use, all of them at once', async () => {
    const options = { confg: 'mesh', telemetry: [{}], config: 5 } as never;
    const failure = await createMesh(options).catch((error) => error);
    expect(failure).toMatchObject({ reason: 'invalid_request' });
    for (const part of ['confg: no such option', 'telemetry: takes', 'config: not a path'])
      expect(failure.message).toContain(part);
  });

  it('with files that are broken tells what is wrong with them in the calls that fail for it, and warns once', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.message);
    process.on('warning', listen);
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-broken-'));
    writeFileSync(join(folder, 'vs.yaml'), 'kind: [');
    const mesh = keep(await createMesh({ config: folder, startTimeoutMs: 1000, dns: { servers: ['127.0.0.1:9'] } }));
    for (let i = 0; i < 2; i += 1) {
      await expect(mesh.fetch('http://nobody.invalid/')).rejects.toMatchObject({
        hint: expect.stringContaining('vs.yaml:1:'),
      });
    }
    process.off('warning', listen);
    expect(warnings.filter((text) => text.includes('vs.yaml:1:'))).toHaveLength(1);
  });

  it('not awaited is what an adapter names when it is given no mesh', () => {
    expect(() => expressMiddleware(createMesh() as never)).toThrow(/expressMiddleware wants a mesh: .*await/);
  });
});
