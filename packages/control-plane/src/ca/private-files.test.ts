import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readPrivateFile } from './private-files.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** As the kubelet writes a volume: `ca-key.pem` -> `..data/ca-key.pem`, `..data` -> `..TIME`. */
function volumeIn(parent: string): string {
  const folder = mkdtempSync(join(parent, 'inmesh-volume-'));
  folders.push(folder);
  mkdirSync(join(folder, '..2026_01_01'));
  writeFileSync(join(folder, '..2026_01_01', 'ca-key.pem'), 'key');
  chmodSync(join(folder, '..2026_01_01', 'ca-key.pem'), 0o644);
  symlinkSync('..2026_01_01', join(folder, '..data'));
  symlinkSync('..data/ca-key.pem', join(folder, 'ca-key.pem'));
  return folder;
}

describe('A private file', () => {
  it('in a volume that Kubernetes has written is taken as it is', () => {
    expect(readPrivateFile(join(volumeIn('/dev/shm'), 'ca-key.pem'))).toBe('key');
  });

  it('that only looks like it, on a disk, is refused', () => {
    const path = join(volumeIn(tmpdir()), 'ca-key.pem');
    expect(() => readPrivateFile(path)).toThrow(`chmod 600 ${path}`);
  });

  it('in memory without the link is refused', () => {
    const path = join(volumeIn('/dev/shm'), '..2026_01_01', 'ca-key.pem');
    expect(() => readPrivateFile(path)).toThrow(`chmod 600 ${path}`);
  });
});
