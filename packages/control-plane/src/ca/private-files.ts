import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

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

export function readPrivateFile(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  checkMode(path, 0o600);
  return readFileSync(path, 'utf8');
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
