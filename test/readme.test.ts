import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from './support/free-ports.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(repository, 'README.md'), 'utf8');

/** The README's files as a newcomer would save them; only the ports are changed to free ones. */
describe('the README’s code', () => {
  let folder: string;
  let page: string;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    mkdirSync(join(repository, '.cache'), { recursive: true });
    folder = mkdtempSync(join(repository, '.cache', 'readme-'));
    const ports = await freePorts(4);
    page = `http://127.0.0.1:${ports[2]}`;
    for (const { name, text } of readmeFiles()) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(
        path,
        text
          .replaceAll('9081', String(ports[0]))
          .replaceAll('9082', String(ports[1]))
          .replaceAll('9080', String(ports[2]))
          .replaceAll('9083', String(ports[3])),
      );
    }
    await start('reviews.mjs', `http://127.0.0.1:${ports[1]}`);
  });

  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(file: string, url: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, [file], { cwd: folder, stdio: 'inherit' });
    running.push(child);
    await answers(url);
    return child;
  }

  it('calls a service', async () => {
    const { stdout } = await run(process.execPath, ['caller.mjs'], { cwd: folder });
    expect(stdout).toMatch(/^200 reviews v[12]\n$/);
  });

  it('simulates a mesh', async () => {
    const { stdout } = await run(process.execPath, ['simulation.mjs'], { cwd: folder });
    expect(stdout).toMatch(
      /^\d+ of 100 answered\nnone took longer than \d+ ms\nrules of the mesh that were broken: 0\n$/,
    );
  });

  it('guards a function', async () => {
    const { stdout } = await run(process.execPath, ['guard.mjs'], { cwd: folder });
    expect(stdout).toBe('{ id: 7 } after 3 tries\n');
  });

  it('serves and calls gRPC, and ends in peace', async () => {
    const server = spawn(process.execPath, ['greeter-server.mjs'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(server);
    await once(server.stdout, 'data');
    const { stdout } = await run(process.execPath, ['greeter-client.mjs'], { cwd: folder });
    expect(stdout).toBe('16 UNAUTHENTICATED: who are you?\nhello world\n');
    server.kill('SIGTERM');
    expect(await once(server, 'exit')).toEqual([0, null]);
  });

  it('validates and explains', async () => {
    const inmesh = join(repository, 'packages/cli/bin/inmesh.js');
    const validated = await run(process.execPath, [inmesh, 'validate', 'mesh'], { cwd: folder });
    expect(validated.stdout).toMatch(/0 errors/);
    const explained = await run(
      process.execPath,
      [inmesh, 'explain', '--config', 'mesh', 'http://reviews.local/reviews/7'],
      { cwd: folder },
    );
    expect(explained.stdout).toMatch(/90 % outbound\|80\|v1\|reviews\.local/);
  });

  it('serves a page, and answers as it says when reviews are down', async () => {
    await start('page.mjs', page);
    expect(await (await fetch(page)).text()).toMatch(/^<p>reviews v[12]<\/p>$/);
    const reviews = running[0]!;
    reviews.kill('SIGKILL');
    await once(reviews, 'exit');
    const down = await fetch(page);
    expect(down.status).toBe(503);
    expect(await down.text()).toMatch(
      /^upstream_connection_failure \(UF,URX\): .*; cluster outbound\|80\|v[12]\|reviews\.local; endpoint 127\.0\.0\.1:\d+; attempts 4; /,
    );
  });
});

function readmeFiles(): { name: string; text: string }[] {
  const blocks = readme.matchAll(/<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```/g);
  return [...blocks].map(([, name, text]) => ({ name: name!, text: text! }));
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}
