import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cache } from './peer-cache.js';

const run = promisify(execFile);

/**
 * Builds a Go program of `test/interop/programs` into the cache, and again when its sources have changed; returns the
 * binary. `package` is a command of one of its dependencies instead, kept under the name `as`. @throws when Go or the modules cannot be had
 */
export async function goProgram(name: string, { package: what = '.', as = name } = {}): Promise<string> {
  const source = join(import.meta.dirname, '..', 'programs', name);
  const file = `${as}-${hashOf(source)}`;
  const binary = join(cache, file);
  mkdirSync(cache, { recursive: true });
  const built = readdirSync(cache).filter((entry) => entry.replace(/-[0-9a-f]+(\.new)?$/, '') === as);
  if (built.includes(file)) return binary;
  try {
    await run('go', ['build', '-o', `${binary}.new`, what], { cwd: source, env: goEnvironment() });
  } catch (error) {
    throw new Error(`the Go program ${name} could not be built: ${(error as Error).message}`);
  }
  for (const old of built) rmSync(join(cache, old));
  // Renamed at the end, so that a build that was broken off is not taken for a whole one.
  renameSync(`${binary}.new`, binary);
  return binary;
}

function hashOf(folder: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort())
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 16);
}

/** All that Go keeps is kept beside the other peers. */
function goEnvironment(): NodeJS.ProcessEnv {
  const folder = join(cache, 'go');
  return {
    ...process.env,
    GOPATH: folder,
    GOMODCACHE: join(folder, 'mod'),
    GOCACHE: join(folder, 'build'),
    GOFLAGS: '-modcacherw -mod=readonly -buildvcs=false',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
  };
}
