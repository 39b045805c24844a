import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SourceFile } from '../load-yaml.js';

/** A file as the last look found it. */
export interface FileStamp {
  readonly path: string;
  readonly modifiedMs: number;
  readonly size: number;
  /** Another file under the same name, as after a rename or the swap of a link. */
  readonly inode: number;
}

const yamlName = /\.ya?ml$/i;
/** The loader refuses files over 4 MiB by their length; no more than it takes to see that is read. */
const maxBytes = 4 * 1024 * 1024 + 1;

export interface Listing {
  readonly files: FileStamp[];
  /** Every folder that was looked into, and that of every file that was named: where a change would show. */
  readonly folders: string[];
}

/** Finds the YAML files of files and folders, subfolders included; hidden names (`..data` of a ConfigMap) are passed over. */
export async function listYaml(paths: readonly string[]): Promise<Listing> {
  const found: Found = { files: [], folders: [], visited: new Set() };
  for (const path of paths) await collect(path, found, true);
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

export async function listYamlFiles(paths: readonly string[]): Promise<FileStamp[]> {
  return (await listYaml(paths)).files;
}

interface Found extends Listing {
  /** By their real paths: a link back to a folder above would otherwise be followed without end. */
  readonly visited: Set<string>;
}

async function collect(path: string, found: Found, named: boolean): Promise<void> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (named && error.code === 'ENOENT') throw new Error(`ENOENT: there is no file or folder ${path}`);
    if (named || !(error.code === 'ENOENT' || error.code === 'ELOOP')) throw error;
    return undefined; // gone between the listing and the look, or a link to nothing or to itself
  });
  if (info?.isDirectory()) {
    await collectFolder(path, found);
  } else if (info?.isFile() && (named || yamlName.test(path))) {
    if (named) found.folders.push(dirname(path));
    found.files.push({ path, modifiedMs: info.mtimeMs, size: info.size, inode: info.ino });
  }
}

async function collectFolder(path: string, found: Found): Promise<void> {
  const real = await realpath(path);
  if (found.visited.has(real)) return;
  found.visited.add(real);
  found.folders.push(path);
  // Sorted: of two ways to one folder always the same is taken.
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  for (const name of names) await collect(join(path, name), found, false);
}

export async function readYamlFile({ path, size }: FileStamp): Promise<SourceFile> {
  if (size <= maxBytes) return { path, text: await readFile(path, 'utf8') };
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    // A character for each byte: the loader counts characters, and what is cut off here must not seem whole to it.
    return { path, text: buffer.toString('latin1') };
  } finally {
    await file.close();
  }
}
