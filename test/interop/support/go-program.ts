import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cache } from './peer-cache.js';

const run = promisify(execFile);

const programs = join(import.meta.dirname, '..', 'programs');

interface GoProgramOptions {
  /** A command of one of its dependencies. Default: the program itself. */
  readonly package?: string;
  /** What the binary is kept as. Default: the program's name. */
  readonly as?: string;
  /** Default: `test/interop/programs/NAME`. */
  readonly source?: string;
  /** Of `go build`. Default: none. */
  readonly flags?: readonly string[];
}

/**
 * Builds a Go program into the cache, and again when its sources have changed; returns the binary.
 * @throws when Go or the modules cannot be had
 */
export async function goProgram(name: string, options: GoProgramOptions = {}): Promise<string> {
  const { package: what = '.', as = name, source = join(programs, name), flags = [] } = options;
  const file = `${as}-${hashOf(source)}`;
  const binary = join(cache, file);
  mkdirSync(cache, { recursive: true });
  const built = readdirSync(cache).filter((entry) => entry.replace(/-[0-9a-f]+(\.new)?$/, '') === as);
  if (built.includes(file)) return binary;
  try {
    await run('go', ['build', ...flags, '-o', `${binary}.new`, what], { cwd: source, env: goEnvironment() });
  } catch (error) {
    throw new Error(`the Go program ${as} could not be built: ${(error as Error).message}`);
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
export function goEnvironment(): NodeJS.ProcessEnv {
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
