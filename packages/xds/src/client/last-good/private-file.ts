import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A copy of 10,000 services has about 10 MB. */
const maxBytes = 512 * 1024 * 1024;

/** Nobody takes that long to write one. */
const abandonedAfterMs = 10 * 60_000;

const temporaryName = /^[0-9a-f-]{36}\.tmp$/;

/** How much is written between two turns of the event loop. */
const chunkLength = 256 * 1024;

/**
 * Replaces a file as a whole: it is there in its old or its new state, whenever the process ends. Readable for its owner
 * alone (0600); its folder is made when it is missing, as `makePrivateFolder` does.
 */
export async function replacePrivateFile(path: string, content: Iterable<string>): Promise<void> {
  await makePrivateFolder(dirname(path));
  await removeAbandoned(path);
  // Not the process id: that is 1 in every container, and several may share a folder. `wx` follows no link.
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    try {
      await writeAll(file, content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * As private as the file (0700), and only the last of the path: with `recursive`, Node tries for ever below /proc.
 * @throws Error that names the folder, when it cannot be made
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const why = code === 'ENOENT' ? 'the folder above it does not exist' : message;
    throw new Error(`its folder ${folder} cannot be made: ${why}`, { cause: error });
  }
}

/** What processes have left that were killed while they wrote. */
async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !temporaryName.test(name.slice(prefix.length))) continue;
    const found = await lstat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedAfterMs) {
      await rm(join(folder, name), { force: true });
    }
  }
}

async function writeAll(file: FileHandle, content: Iterable<string>): Promise<void> {
  let chunk = '';
  for (const part of content) {
    chunk += part;
    if (chunk.length < chunkLength) continue;
    await file.write(chunk);
    chunk = '';
  }
  await file.write(chunk);
}

/**
 * Undefined when there is no such file.
 * @throws Error for a file that others than this user can have written or read
 */
export async function readPrivateFile(path: string): Promise<Buffer | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw code === 'ELOOP' ? new Error('it is a symbolic link') : error;
  }
  try {
    await checkPrivate(file);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function checkPrivate(file: FileHandle): Promise<void> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new Error('it is not a file');
  if (stat.size > maxBytes) throw new Error(`it has ${stat.size} bytes, and more than ${maxBytes} are never written`);
  const user = process.getuid?.();
  // Windows has neither.
  if (user === undefined) return;
  if (stat.uid !== user) throw new Error(`its owner is user ${stat.uid}, and this is user ${user}`);
  const mode = stat.mode & 0o777;
  if ((mode & 0o077) !== 0) throw new Error(`its mode is ${mode.toString(8).padStart(4, '0')}, and must be 0600`);
}
