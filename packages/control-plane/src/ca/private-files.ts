import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/** Linux's number of a file system that is in memory (statfs(2), TMPFS_MAGIC). */
const tmpfs = 0x01021994;

/** @throws Error with the command that mends it, when others may read or write it */
export function checkMode(path: string, mode: 0o600 | 0o700): void {
  const actual = statSync(path).mode & 0o777;
  if ((actual & ~mode) === 0) return;
  const command = `chmod ${mode.toString(8)} ${path}`;
  throw new Error(`${path} has mode 0${actual.toString(8)}, so others than its owner can use its keys: run ${command}`);
}

/** Makes the folder, for this user alone, or checks that it is. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  checkMode(path, 0o700);
}

/**
 * Undefined: it is not there. Volumes that Kubernetes writes are taken as they are: their files belong to root and are
 * readable by all, since it does not know as whom a container runs, and who is in the pod decides who can reach them.
 * @throws Error with the command that mends it, when others may read or write it
 */
export function readPrivateFile(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  if (!isInKubernetesVolume(path)) checkMode(path, 0o600);
  return readFileSync(path, 'utf8');
}

/** It has both of their marks: in memory, and behind a link to a folder `..TIME`. */
function isInKubernetesVolume(path: string): boolean {
  const real = realpathSync(path);
  return real !== path && /\/\.\.[^/]+\/[^/]+$/.test(real) && statfsSync(real).type === tmpfs;
}

/** Whole or not at all. */
export function replaceFile(path: string, content: string, mode = 0o600): void {
  writeBeside(path, content, mode, (temporary) => renameSync(temporary, path));
}

/** False: there is one already, and it is left as it is. */
export function createPrivateFile(path: string, content: string): boolean {
  return writeBeside(path, content, 0o600, (temporary) => {
    try {
      linkSync(temporary, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  });
}

function writeBeside<Result>(
  path: string,
  content: string,
  mode: number,
  place: (temporary: string) => Result,
): Result {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, content, { mode, flag: 'wx', flush: true });
    return place(temporary);
  } finally {
    rmSync(temporary, { force: true });
  }
}
