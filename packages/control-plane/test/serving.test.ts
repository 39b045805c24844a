import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { Client } from './support/client.js';
import { brokenYaml, ConfigFolder, serviceYaml } from './support/config-folder.js';
import { startServer } from './support/start.js';

function folderOf(files: Record<string, string>): ConfigFolder {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return folder;
}

const wait = { timeout: 10_000 };

describe('The config server', () => {
  it('pushes a save to the clients that are connected', async () => {
    const folder = folderOf({ 'reviews.yaml': serviceYaml('reviews', 9001) });
    const server = keep(await startServer(folder.path));
    const client = keep(new Client(server.addresses.xds));
    await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9001']);
    folder.write('reviews.yaml', serviceYaml('reviews', 9002));
    await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9002']);
    expect(server.lines.filter((line) => line.startsWith('published '))).toHaveLength(2);
  });

  it('refuses a broken file, takes changes of the others, and the file itself once it is mended', async () => {
    const folder = folderOf({ 'a.yaml': serviceYaml('a', 9001), 'b.yaml': serviceYaml('b', 9101) });
    const server = keep(await startServer(folder.path));
    const client = keep(new Client(server.addresses.xds));
    await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9001', '127.0.0.1:9101']);

    folder.write('a.yaml', brokenYaml);
    await expect.poll(() => server.lines.join('\n'), wait).toMatch(/a\.yaml:\d+:\d+: error: /);
    expect(JSON.parse((await server.get('debug', '/debug/issues')).text).refusedFiles).toEqual([
      `${folder.path}/a.yaml`,
    ]);
    folder.write('b.yaml', serviceYaml('b', 9102));
    await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9001', '127.0.0.1:9102']);

    folder.write('a.yaml', serviceYaml('a', 9002));
    await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9002', '127.0.0.1:9102']);
    expect(server.lines.filter((line) => /a\.yaml:\d+:\d+: error: /.test(line))).toHaveLength(1);
    expect(JSON.parse((await server.get('debug', '/debug/issues')).text)).toMatchObject({
      issues: [],
      refusedFiles: [],
    });
  });

  it('starts with broken files, lets clients wait, and is ready when they are mended', async () => {
    const folder = folderOf({ 'reviews.yaml': brokenYaml });
    const server = keep(await startServer(folder.path));
    const client = keep(new Client(server.addresses.xds));
    expect(await server.get('metrics', '/healthz')).toEqual({ status: 200, text: 'ok\n' });
    const notReady = await server.get('metrics', '/ready');
    expect(notReady.status).toBe(503);
    expect(notReady.text).toMatch(/reviews\.yaml:\d+:\d+: error: /);
    await expect.poll(async () => (await server.get('debug', '/debug/status')).text, wait).toContain('test-client');
    expect(client.resources).toBeUndefined();

    folder.write('reviews.yaml', serviceYaml('reviews', 9001));
    await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9001']);
    expect(await server.get('metrics', '/ready')).toEqual({ status: 200, text: 'ready\n' });
  });

  it('waits for a folder that does not exist yet, and says so once', async () => {
    const folder = keep(new ConfigFolder());
    const server = keep(await startServer(`${folder.path}/later`));
    expect((await server.get('metrics', '/ready')).text).toMatch(/ENOENT.*later/);
    folder.write('later', serviceYaml('reviews', 9001));
    await expect.poll(async () => (await server.get('metrics', '/ready')).status, wait).toBe(200);
    expect(server.lines.filter((line) => line.includes('ENOENT'))).toHaveLength(1);
  });

  it('stays ready when a file breaks later', async () => {
    const folder = folderOf({ 'reviews.yaml': serviceYaml('reviews', 9001) });
    const server = keep(await startServer(folder.path));
    folder.write('reviews.yaml', brokenYaml);
    await expect.poll(() => server.lines.join('\n'), wait).toContain('error: ');
    expect((await server.get('metrics', '/ready')).status).toBe(200);
  });
});
