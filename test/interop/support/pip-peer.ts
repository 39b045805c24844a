import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cache } from './peer-cache.js';

const run = promisify(execFile);

/**
 * Installs a Python package without what it depends on into a folder of its own in the cache; returns the folder, which then
 * holds the package's modules. @throws when it cannot be had
 */
export async function pipPeer(name: string, version: string): Promise<string> {
  const folder = join(cache, `pip-${name}-${version}`);
  if (existsSync(join(folder, '.installed'))) return folder;
  // What an earlier attempt left half done.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const quiet = ['--no-deps', '--no-input', '--disable-pip-version-check'];
  try {
    await run('python3', ['-m', 'pip', 'install', ...quiet, '--target', folder, `${name}==${version}`]);
  } catch (error) {
    throw new Error(`the peer ${name}==${version} could not be installed by pip: ${(error as Error).message}`);
  }
  writeFileSync(join(folder, '.installed'), '');
  return folder;
}
