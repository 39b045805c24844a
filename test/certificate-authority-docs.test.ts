import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { freePorts } from './support/free-ports.js';
import { keep } from './support/keep.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(join(repository, 'docs/certificate-authority.md'), 'utf8');

/** The files of the page as a newcomer would save them; only the port is changed to a free one. */
function saveFiles(port: number): string {
  mkdirSync(join(repository, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(repository, '.cache', 'ca-docs-'));
  keep({ close: () => rmSync(folder, { recursive: true, force: true }) });
  for (const [, name, text] of page.matchAll(/<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```/g)) {
    const path = join(folder, name!);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text!.replaceAll('9081', String(port)));
  }
  return folder;
}

/** What it has written when it is ready. */
async function start(args: string[], cwd: string, env: NodeJS.ProcessEnv, ready: RegExp): Promise<RegExpExecArray> {
  const child: ChildProcess = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
  keep({ close: () => child.kill('SIGKILL') });
  let text = '';
  for (;;) {
    const [chunk] = await once(child.stdout!, 'data');
    text += chunk;
    const found = ready.exec(text);
    if (found !== null) return found;
  }
}

it('the recipe of the certificate authority does what it says', async () => {
  const [port] = (await freePorts(1)) as [number];
  const cwd = saveFiles(port);
  await run(process.execPath, ['prepare.mjs'], { cwd });
  const inmesh = join(repository, 'packages/cli/bin/inmesh.js');
  const ports = ['xds', 'metrics', 'debug', 'tls'].flatMap((name) => [`--${name}-port`, '0']);
  const args = [inmesh, 'serve', '--config', 'mesh', '--ca', 'ca', '--ca-tokens', 'tokens', ...ports];
  const [, tls] = await start(args, cwd, process.env, /tls=127\.0\.0\.1:(\d+)\n/);
  const authority = `localhost:${tls}`;
  const envOf = (app: string, token = `${app}.token`) => ({
    ...process.env,
    ...{ INMESH_CA: authority, INMESH_CA_ROOTS: 'ca/root-cert.pem', INMESH_XDS: `tls://${authority}` },
    ...{ INMESH_APP: app, INMESH_CA_TOKEN_FILE: token },
  });
  await start(['reviews.mjs'], cwd, envOf('reviews'), /ready\n/);
  const shop = async (token?: string) =>
    (await run(process.execPath, ['shop.mjs'], { cwd, env: envOf('shop', token) })).stdout;
  expect(await shop()).toBe('200 hello alice, by spiffe://cluster.local/ns/default/sa/shop\n403 RBAC: access denied\n');
  expect(await shop('reviews.token')).toBe('403 RBAC: access denied\n403 RBAC: access denied\n');
}, 60_000);
