import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** @throws Error: root may write what is read-only, and a rename asks nobody */
export function checkWritable(path: string): void {
  if ((statSync(path).mode & 0o222) === 0) throw new Error(`${path} is read-only: chmod u+w it, or write elsewhere`);
  accessSync(path, constants.W_OK);
}

/**
 * In one go: whoever reads has the old or the new. Mode and owner stay. Where the file itself is a mount, or others have it by
 * another name, or its owner cannot be kept, it is written over.
 */
export function replaceFile(path: string, text: string): void {
  const stats = statSync(path);
  if (stats.nlink > 1) {
    writeOver(path, text);
    return;
  }
  try {
    renameOver(path, text, stats);
  } catch (error) {
    if (!inPlaceCodes.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    writeOver(path, text);
  }
}

/** EBUSY and EXDEV are of mounts, EPERM of owners, the others of folders. */
const inPlaceCodes: ReadonlySet<string> = new Set(['EBUSY', 'EXDEV', 'EPERM', 'EACCES', 'EROFS']);

function renameOver(path: string, text: string, { mode, uid, gid }: Stats): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    const own = statSync(temporary);
    if (own.uid !== uid || own.gid !== gid) chownSync(temporary, uid, gid);
    chmodSync(temporary, mode & 0o7777);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Never empty in between. */
function writeOver(path: string, text: string): void {
  const bytes = Buffer.from(text);
  const file = openSync(path, 'r+');
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written, undefined, written);
    ftruncateSync(file, bytes.length);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
