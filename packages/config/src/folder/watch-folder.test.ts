import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadYaml, type SourceFile } from '../load-yaml.js';
import { type FolderWatch, watchFolder } from './watch-folder.js';

let folder: string;
let watch: FolderWatch | undefined;
let seen: (readonly SourceFile[])[];
let errors: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inmesh-watch-'));
  seen = [];
  errors = [];
});

afterEach(() => {
  watch?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(...paths: string[]): void {
  watch = watchFolder(paths, { onFiles: (files) => seen.push(files), onError: (error) => errors.push(error.message) });
}

function texts(): Record<string, string> {
  return Object.fromEntries((seen.at(-1) ?? []).map(({ path, text }) => [path.slice(folder.length + 1), text]));
}

async function settled(expected: Record<string, string>): Promise<void> {
  await expect.poll(texts, { timeout: 5000, interval: 5 }).toEqual(expected);
}

describe('a watched folder', () => {
  it('is read at once, subfolders included, and only its YAML', async () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'a.yaml'), 'a');
    writeFileSync(join(folder, 'sub', 'b.yml'), 'b');
    writeFileSync(join(folder, 'notes.txt'), 'c');
    writeFileSync(join(folder, '.hidden.yaml'), 'd');
    start(folder);
    await settled({ 'a.yaml': 'a', 'sub/b.yml': 'b' });
  });

  it('is read again after each save, by writing or by renaming over, in new subfolders too', async () => {
    writeFileSync(join(folder, 'a.yaml'), '0');
    start(folder);
    await settled({ 'a.yaml': '0' });
    for (const text of ['1', '22', '333', '4444']) {
      writeFileSync(join(folder, '.a.tmp'), text);
      renameSync(join(folder, '.a.tmp'), join(folder, 'a.yaml'));
      await settled({ 'a.yaml': text });
      writeFileSync(join(folder, 'a.yaml'), `${text}!`);
      await settled({ 'a.yaml': `${text}!` });
    }
    mkdirSync(join(folder, 'new'));
    writeFileSync(join(folder, 'new', 'b.yaml'), 'b');
    await settled({ 'a.yaml': '4444!', 'new/b.yaml': 'b' });
    unlinkSync(join(folder, 'a.yaml'));
    await settled({ 'new/b.yaml': 'b' });
  });

  it('follows the swap of a symbolic link, as a ConfigMap is updated', async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(folder, `..${version}`));
      writeFileSync(join(folder, `..${version}`, 'a.yaml'), `the text of ${version}`);
    }
    symlinkSync('..v1', join(folder, '..data'));
    symlinkSync(join('..data', 'a.yaml'), join(folder, 'a.yaml'));
    start(folder);
    await settled({ 'a.yaml': 'the text of v1' });
    symlinkSync('..v2', join(folder, '..data.tmp'));
    renameSync(join(folder, '..data.tmp'), join(folder, '..data'));
    await settled({ 'a.yaml': 'the text of v2' });
  });

  it('may have links that lead back to it, or to themselves', async () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'a.yaml'), 'a');
    writeFileSync(join(folder, 'sub', 'b.yaml'), 'b');
    symlinkSync('..', join(folder, 'sub', 'loop'));
    symlinkSync('self', join(folder, 'self'));
    start(folder);
    await settled({ 'a.yaml': 'a', 'sub/b.yaml': 'b' });
    expect(errors).toEqual([]);
  });

  it('says so when it is not there, and when it is', async () => {
    const later = join(folder, 'later');
    start(later);
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    mkdirSync(later);
    writeFileSync(join(later, 'a.yaml'), 'a');
    await settled({ 'later/a.yaml': 'a' });
  });

  it('never takes the beginning of a file that is too large for all of it', async () => {
    writeFileSync(join(folder, 'a.yaml'), `a: b\n# ${'é'.repeat(3_000_000)}`);
    start(folder);
    await expect.poll(() => seen.length).toBe(1);
    expect(loadYaml(seen[0]!).issues).toEqual([expect.objectContaining({ message: expect.stringContaining('4 MiB') })]);
  });

  it('may be a single file', async () => {
    writeFileSync(join(folder, 'a.yaml'), '1');
    start(join(folder, 'a.yaml'));
    await settled({ 'a.yaml': '1' });
    writeFileSync(join(folder, '.tmp'), '2');
    renameSync(join(folder, '.tmp'), join(folder, 'a.yaml'));
    await settled({ 'a.yaml': '2' });
  });
});
