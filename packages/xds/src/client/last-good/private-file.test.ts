import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPrivateFile, replacePrivateFile } from './private-file.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inmesh-private-'));
  path = join(folder, 'copy');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** So long that it is written in several pieces. */
const contentOf = (letter: string) => Array.from({ length: 20 }, () => letter.repeat(100_000));

describe('a private file', () => {
  it('is whole whoever writes it at the same time, other containers with the same process id too', async () => {
    const letters = [...'abcdefgh'];
    await Promise.all(letters.map((letter) => replacePrivateFile(path, contentOf(letter))));
    const content = readFileSync(path, 'utf8');
    expect(letters.map((letter) => contentOf(letter).join(''))).toContain(content);
    expect(readdirSync(folder)).toEqual(['copy']);
  });

  it('is followed by no leftovers of writers that were killed, and leaves those that may still write alone', async () => {
    const uuid = '00000000-0000-4000-8000-00000000000';
    const names = [`copy.${uuid}1.tmp`, `copy.${uuid}2.tmp`, `other.${uuid}3.tmp`, 'copy.mine.tmp'];
    for (const name of names) writeFileSync(join(folder, name), 'half');
    const anHourAgo = Date.now() / 1000 - 3600;
    for (const name of names.slice(1)) utimesSync(join(folder, name), anHourAgo, anHourAgo);
    await replacePrivateFile(path, ['new']);
    expect(readdirSync(folder).toSorted()).toEqual(['copy', names[0], 'copy.mine.tmp', names[2]].toSorted());
    expect(String(await readPrivateFile(path))).toBe('new');
  });

  it.each([
    ['below a folder that does not exist', () => join(folder, 'a', 'b', 'copy'), 'the folder above it does not exist'],
    // Node's recursive mkdir never comes back from this one.
    ['below /proc', () => '/proc/nope/copy', 'the folder above it does not exist'],
    ['below a file', () => join(process.execPath, 'b', 'copy'), 'ENOTDIR'],
  ])('%s is refused', async (_, path, why) => {
    await expect(replacePrivateFile(path(), ['new'])).rejects.toThrow(why);
  });

  it('that cannot be written stays as it was', async () => {
    await replacePrivateFile(path, ['old']);
    const broken = (function* () {
      yield 'x'.repeat(1_000_000);
      throw new Error('no more');
    })();
    await expect(replacePrivateFile(path, broken)).rejects.toThrow('no more');
    expect(readdirSync(folder)).toEqual(['copy']);
    expect(String(await readPrivateFile(path))).toBe('old');
  });
});
