import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** To open a pipe that nobody writes to would never end. Windows has no such flag. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** @throws Error that names the file, where it cannot be read or is no regular file */
export async function readRegularFile(path: string): Promise<string> {
  const file = await open(path, flags);
  try {
    if (!(await file.stat()).isFile()) throw notRegular(path);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** The same at once. */
export function readRegularFileSync(path: string): string {
  const file = openSync(path, flags);
  try {
    if (!fstatSync(file).isFile()) throw notRegular(path);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function notRegular(path: string): Error {
  return new Error(`${path} is no regular file`);
}
