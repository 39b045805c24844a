import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Outside the repository, and kept from run to run. */
export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'inmesh-interop');

/**
 * Installs an npm package, and `others` beside it, into a folder of its own in the cache; returns the package's folder.
 * @throws when it cannot be had
 */
export async function npmPeer(name: string, version: string, others: readonly string[] = []): Promise<string> {
  const folder = join(cache, `${name.replace('/', '-')}-${version}`);
  const installed = join(folder, 'node_modules', name);
  if (existsSync(join(folder, '.installed'))) return installed;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  try {
    const options = ['--no-audit', '--no-fund', '--no-package-lock'];
    await run('npm', ['install', ...options, `${name}@${version}`, ...others], { cwd: folder });
  } catch (error) {
    throw new Error(`the peer ${name}@${version} could not be installed: ${(error as Error).message}`);
  }
  writeFileSync(join(folder, '.installed'), '');
  return installed;
}
