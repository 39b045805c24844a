import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cache } from './peer-cache.js';

const run = promisify(execFile);

/**
 * Unpacks packages of the machine's Debian, and the libraries that they need, into a folder of the cache, without
 * installing them; returns the folder, which then has `usr/bin` and so on. @throws when they cannot be had
 */
export async function debianPeer(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(cache, `debian-${name}`);
  const root = join(folder, 'root');
  if (existsSync(join(folder, '.installed'))) return root;
  mkdirSync(root, { recursive: true });
  try {
    await download(packages, folder);
    for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.deb'))) {
      await run('dpkg', ['-x', join(folder, file), root]);
    }
  } catch (error) {
    throw new Error(`the packages ${packages.join(', ')} could not be had: ${(error as Error).message}`);
  }
  writeFileSync(join(folder, '.installed'), '');
  return root;
}

/** A new machine has no list of packages, or an old one. */
async function download(packages: readonly string[], cwd: string): Promise<void> {
  const fetch = () => run('apt-get', ['download', ...packages], { cwd });
  await fetch().catch(() => run('apt-get', ['update']).then(fetch));
}
