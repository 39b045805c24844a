import { realpath, stat } from 'node:fs/promises';
import { readRegularFile } from './regular-file.js';

/** No certificate or bundle is anywhere near. */
const maxBytes = 4 * 1024 * 1024;
const maxTries = 5;

export interface FilesRead {
  /** By the path that was asked for. */
  readonly texts: ReadonlyMap<string, string>;
  /** Equal as long as none of the files is another, or was written. */
  readonly stamp: string;
}

/**
 * Reads files that belong together: when one of them was written or exchanged meanwhile, all are read again. Where a link
 * leads is part of the stamp, as Kubernetes exchanges all files of a volume by one link.
 * @throws Error that names the file that cannot be read
 */
export async function readTogether(paths: readonly string[]): Promise<FilesRead> {
  let stamp = await stampOf(paths);
  for (let tries = 0; tries < maxTries; tries += 1) {
    const texts = new Map<string, string>();
    for (const path of paths) texts.set(path, await readRegularFile(path));
    const after = await stampOf(paths);
    if (after === stamp) return { texts, stamp };
    stamp = after;
  }
  throw new Error(`${paths.join(', ')} change faster than they can be read`);
}

export async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps: string[] = [];
  for (const path of paths) {
    const [real, info] = await Promise.all([realpath(path), stat(path)]);
    if (info.size > maxBytes) throw new Error(`${path} is larger than 4 MiB`);
    // The mode counts, too: a key that others may no longer read is to be taken.
    stamps.push([real, info.ino, info.mtimeMs, info.ctimeMs, info.size].join());
  }
  return stamps.join(';');
}
