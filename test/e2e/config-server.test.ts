import { createMesh, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { startConfigServer } from '../support/config-server.js';
import { keep } from '../support/keep.js';
import { constantLoad } from '../support/load.js';

async function get(mesh: Mesh): Promise<string> {
  const response = await mesh.fetch('http://reviews/');
  return `${response.status} ${await response.text()}`;
}

async function serve(folder: ConfigFolder, xdsPort = 0) {
  const server = await startConfigServer(folder.path, { xdsPort });
  keep({ close: () => server.kill() });
  return server;
}

describe('a running service', () => {
  it('goes on while the config server is killed, and takes the newest configuration on its return', async () => {
    const [v1, v2] = [keep(await startBackend('reviews', 'v1')), keep(await startBackend('reviews', 'v2'))];
    const folder = keep(new ConfigFolder());
    folder.write('reviews.yaml', serviceYaml('reviews', [v1]));
    const server = await serve(folder);
    const mesh = keep(await createMesh({ xds: server.xds }));
    await mesh.ready();
    const load = constantLoad(4, () => get(mesh));
    await expect.poll(() => load.answers.length).toBeGreaterThan(20);
    await server.kill('SIGKILL');
    const killedAt = load.answers.length;
    await expect.poll(() => mesh.status().problem, { timeout: 10_000 }).toBeDefined();
    await expect.poll(() => load.answers.length, { timeout: 10_000 }).toBeGreaterThan(killedAt + 100);
    folder.write('reviews.yaml', serviceYaml('reviews', [v2]));
    await serve(folder, Number(server.xds.split(':')[1]));
    await expect.poll(() => load.answers.at(-1), { timeout: 30_000 }).toBe('200 v2');
    await load.stop();
    expect(load.failures).toEqual([]);
  }, 60_000);

  it('sees a save within a second, without a failed request', async () => {
    const [v1, v2] = [keep(await startBackend('reviews', 'v1')), keep(await startBackend('reviews', 'v2'))];
    const folder = keep(new ConfigFolder());
    folder.write('reviews.yaml', serviceYaml('reviews', [v1]));
    const mesh = keep(await createMesh({ xds: (await serve(folder)).xds }));
    await mesh.ready();
    const load = constantLoad(4, () => get(mesh));
    for (const [backend, version] of [
      [v2, 'v2'],
      [v1, 'v1'],
      [v2, 'v2'],
    ] as const) {
      folder.write('reviews.yaml', serviceYaml('reviews', [backend]));
      await expect.poll(() => load.answers.at(-1), { timeout: 1000, interval: 5 }).toBe(`200 ${version}`);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
  }, 30_000);

  it('keeps what it has when a broken file is saved, and the server says why', async () => {
    const v1 = keep(await startBackend('reviews', 'v1'));
    const folder = keep(new ConfigFolder());
    folder.write('reviews.yaml', serviceYaml('reviews', [v1]));
    const server = await serve(folder);
    const mesh = keep(await createMesh({ xds: server.xds }));
    await mesh.ready();
    folder.write('reviews.yaml', 'apiVersion: v1\nkind: Service\nmetadata: { name: reviews\n');
    await expect.poll(() => server.log(), { timeout: 5000 }).toMatch(/reviews\.yaml:\d+:\d+: error:/);
    expect(await get(mesh)).toBe('200 v1');
    const issues = await (await fetch(`http://${server.debug}/debug/issues`)).text();
    expect(issues).toContain('reviews.yaml');
  }, 30_000);
});

describe('twenty clients', () => {
  it('come back to a restarted server spread out, and all get its configuration', async () => {
    const v1 = keep(await startBackend('reviews', 'v1'));
    const folder = keep(new ConfigFolder());
    folder.write('reviews.yaml', serviceYaml('reviews', []));
    const server = await serve(folder);
    const meshes = await Promise.all(
      Array.from({ length: 20 }, async () => keep(await createMesh({ xds: server.xds }))),
    );
    await Promise.all(meshes.map((mesh) => mesh.ready()));
    await server.kill('SIGKILL');
    folder.write('reviews.yaml', serviceYaml('reviews', [v1]));
    await serve(folder, Number(server.xds.split(':')[1]));
    const served = async () =>
      (await Promise.all(meshes.map((mesh) => get(mesh).catch(() => '')))).filter((a) => a === '200 v1').length;
    await expect.poll(served, { timeout: 40_000 }).toBe(20);
  }, 60_000);
});
