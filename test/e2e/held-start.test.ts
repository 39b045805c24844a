import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { send } from '../../packages/sdk/test/server/client.js';
import { ConfigFolder } from '../support/config-folder.js';
import { startConfigServer } from '../support/config-server.js';
import { freePorts } from '../support/free-ports.js';
import { keep } from '../support/keep.js';
import { authorizationPolicy } from '../support/policed-service.js';
import { scanForSecrets } from '../support/secret-scan.js';

const scan = scanForSecrets();
const denied = authorizationPolicy('deny', '{ action: DENY, rules: [{ to: [{ operation: { paths: [/secret] } }] }] }');
const secret = { path: '/secret' };

async function serve(options: MeshOptions): Promise<{ mesh: Mesh; port: number; handled: (string | undefined)[] }> {
  const mesh = keep(await createMesh({ namespace: 'default', logger: scan.logger, ...options }));
  scan.watch(mesh);
  const handled: (string | undefined)[] = [];
  const server = mesh.createServer((req, res) => void res.end(String(handled.push(req.url))));
  return { mesh, port: await listen(server), handled };
}

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  keep({ close: () => server.close().closeAllConnections() });
  return (server.address() as AddressInfo).port;
}

function folderOf(text: string): ConfigFolder {
  const folder = keep(new ConfigFolder());
  folder.write('policy.yaml', text);
  return folder;
}

describe('With a folder', () => {
  it('that is wrong nobody comes in until it has been right', async () => {
    const folder = folderOf('kind: [');
    const { mesh, port, handled } = await serve({ config: folder.path, startTimeoutMs: 1 });
    await expect.poll(() => mesh.status().problem, { timeout: 15_000 }).toContain('policy.yaml');
    expect(await send(port)).toMatchObject({ status: 503, body: 'this server has no configuration yet' });
    const said = scan.lines.filter((line) => line.includes('nobody comes in until there is a configuration'));
    expect(said).toEqual([expect.stringContaining('policy.yaml')]);
    folder.write('policy.yaml', denied);
    await mesh.ready();
    expect([(await send(port, secret)).status, (await send(port)).status]).toEqual([403, 200]);
    expect(handled).toEqual(['/']);
  });

  it('calls that come before it has been read are judged by it', async () => {
    const { port, handled } = await serve({ config: folderOf(denied).path, startTimeoutMs: 20_000 });
    expect([(await send(port, secret)).status, (await send(port)).status]).toEqual([403, 200]);
    expect(handled).toEqual(['/']);
  });
});

describe('With a config server', () => {
  it('calls that come before its first answer wait for it', async () => {
    const [xdsPort] = (await freePorts(1)) as [number];
    const server = await startConfigServer(folderOf(denied).path, { xdsPort });
    keep({ close: () => server.kill() });
    const { mesh, port, handled } = await serve({ xds: `127.0.0.1:${xdsPort}`, startTimeoutMs: 20_000 });
    expect(mesh.status().ready).toBe(false);
    expect([(await send(port, secret)).status, (await send(port)).status]).toEqual([403, 200]);
    expect(handled).toEqual(['/']);
  });

  it('that is away they are let in after a while, and the log says so once', async () => {
    const [xdsPort] = (await freePorts(1)) as [number];
    const { port } = await serve({ xds: `127.0.0.1:${xdsPort}`, startTimeoutMs: 1 });
    expect([(await send(port, secret)).status, (await send(port)).status]).toEqual([200, 200]);
    const said = scan.lines.filter((line) => line.includes('let in without any policy'));
    expect(said).toEqual([expect.stringContaining(`127.0.0.1:${xdsPort}`)]);
  });

  it('that is away they are judged by the last good copy, from the first on', async () => {
    const [xdsPort] = (await freePorts(1)) as [number];
    const lastGoodCopy = join(keep(new ConfigFolder()).path, 'last-good');
    const xds = `127.0.0.1:${xdsPort}`;
    const server = await startConfigServer(folderOf(denied).path, { xdsPort });
    const first = await serve({ xds, lastGoodCopy });
    await first.mesh.ready();
    await first.mesh.close();
    await server.kill();
    const { port, handled } = await serve({ xds, lastGoodCopy, startTimeoutMs: 2000 });
    expect([(await send(port, secret)).status, (await send(port)).status]).toEqual([403, 200]);
    expect(handled).toEqual(['/']);
  });
});
