import { chmodSync, chownSync, linkSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CanaryRecord } from '../src/canary/record.js';
import { editsTo, findSplit, writtenWeights } from '../src/canary/routes/split.js';
import { openFileTarget } from '../src/canary/target/file-target.js';
import { Passing, type Target } from '../src/canary/target/target.js';
import { ConfigFolder } from './support/config-folder.js';

const disk = vi.hoisted(() => ({ renameFails: undefined as string | undefined, writeOverFails: false }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const fail = (code: string) => Object.assign(new Error(code), { code });
  return {
    ...fs,
    renameSync: (from: string, to: string) => {
      if (disk.renameFails !== undefined) throw fail(disk.renameFails);
      fs.renameSync(from, to);
    },
    writeSync: (...written: Parameters<typeof fs.writeSync>) => {
      if (disk.writeOverFails) throw fail('EIO');
      return fs.writeSync(...written);
    },
  };
});

const routeOf = (namespace: string | undefined, v1 = 100) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews${namespace === undefined ? '' : `, namespace: ${namespace}`} }
spec:
  http:
    - route:
        - destination: { host: reviews, subset: v1 }
          weight: ${v1}
        - destination: { host: reviews, subset: v2 }
`;

let folder: ConfigFolder;
let file: string;

beforeEach(() => {
  disk.renameFails = undefined;
  disk.writeOverFails = false;
  folder = new ConfigFolder();
  file = join(folder.path, 'route.yaml');
  writeFileSync(file, routeOf('default'));
});
afterEach(() => folder.close());

const open = (namespace?: string) =>
  openFileTarget({ path: file, name: { kind: undefined, name: 'reviews' }, namespace, clusterDomain: 'cluster.local' });
const record: CanaryRecord = {
  ...{
    run: 'a',
    to: 'v2',
    steps: [30, 100],
    step: 0,
    started: '2026-01-01',
    renewed: '2026-01-01',
    original: [[100, null]],
  },
};

async function shift(target: Target, v1: number, v2: number, isLast = false) {
  const loaded = await target.load();
  const { kind, context } = target;
  const split = findSplit({ kind, object: loaded.object, context, to: 'v2', target: 'reviews' });
  return {
    saved: await target.save(loaded, editsTo(split, [[v1, v2]]), isLast ? undefined : record),
    before: writtenWeights(split),
  };
}

const text = () => readFileSync(file, 'utf8');
const shifted = (namespace = 'default') =>
  routeOf(namespace, 70).replace(
    '        - destination: { host: reviews, subset: v2 }',
    '        - weight: 30\n          destination: { host: reviews, subset: v2 }',
  );
const names = () => readdirSync(folder.path).sort();

describe('objects of one name in a file', () => {
  it('have records of their own, and are told apart wherever they are', async () => {
    writeFileSync(file, `${routeOf('a')}---\n${routeOf('b')}`);
    expect(() => open()).toThrow('several of this name');
    const [a, b] = [open('a'), open('b')];
    await shift(a, 70, 30);
    await shift(b, 70, 30);
    expect(text()).toBe(`${shifted('a')}---\n${shifted('b')}`);
    expect(names()).toEqual([
      ...['.route.yaml.a.virtualservice.reviews.canary', '.route.yaml.b.virtualservice.reviews.canary', 'route.yaml'],
    ]);
    writeFileSync(file, `${routeOf('b', 1)}---\nkind: Other\n---\n${routeOf('a', 2)}`);
    expect((await shift(a, 70, 30)).before).toEqual([[2, null]]);
    expect((await shift(b, 70, 30)).before).toEqual([[1, null]]);
  });

  it('are one without a namespace too', async () => {
    writeFileSync(file, routeOf(undefined));
    await shift(open(), 70, 30);
    expect(names()).toEqual(['.route.yaml.virtualservice.reviews.canary', 'route.yaml']);
  });
});

describe('a file that is being saved', () => {
  it.each([
    ['empty', () => writeFileSync(file, '')],
    ['gone', () => rmSync(file)],
    ['half there', () => writeFileSync(file, 'kind: VirtualService\nmetadata: { name: rev')],
    ['of another', () => writeFileSync(file, routeOf('other'))],
  ])('is %s for a moment, and then it goes on', async (_what, damage) => {
    const target = open();
    damage();
    const error = await target.load().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Passing);
    expect((error as Error).message).toContain(`${file} cannot be read: `);
    writeFileSync(file, routeOf('default'));
    expect((await shift(target, 70, 30)).saved).toBe('saved');
  });
});

describe('a file that is written', () => {
  it('keeps its mode and its owner', async () => {
    chmodSync(file, 0o666);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(file, 4321, 4322);
    const { uid, gid } = statSync(file);
    await shift(open(), 70, 30);
    expect(text()).toBe(shifted());
    expect(statSync(file)).toMatchObject({ uid, gid });
    expect((statSync(file).mode & 0o7777).toString(8)).toBe('666');
  });

  it('keeps its line ends, where a weight is added too', async () => {
    writeFileSync(file, routeOf('default').replaceAll('\n', '\r\n'));
    await shift(open(), 70, 30);
    expect(text()).toBe(shifted().replaceAll('\n', '\r\n'));
  });

  it.each(['EBUSY', 'EXDEV'])('is written over where a rename says %s, as for a file that is mounted', async (code) => {
    disk.renameFails = code;
    const { ino } = statSync(file);
    const target = open();
    await shift(target, 70, 30);
    expect([text(), statSync(file).ino]).toEqual([shifted(), ino]);
    await shift(target, 0, 100, true);
    expect(names()).toEqual(['route.yaml']);
    expect(text()).toBe(shifted().replace('70', '0').replace('30', '100'));
  });

  it('stays one with its other names', async () => {
    linkSync(file, join(folder.path, 'other.yaml'));
    await shift(open(), 70, 30);
    expect(readFileSync(join(folder.path, 'other.yaml'), 'utf8')).toBe(shifted());
  });

  it('leaves nothing behind where it cannot be', async () => {
    disk.renameFails = 'EIO';
    await expect(shift(open(), 70, 30)).rejects.toThrow('EIO');
    disk.renameFails = 'EBUSY';
    disk.writeOverFails = true;
    await expect(shift(open(), 70, 30)).rejects.toThrow('EIO');
    expect(names()).toEqual(['route.yaml']);
    expect(text()).toBe(routeOf('default'));
  });

  it('is not when it is read-only, nor begun', async () => {
    chmodSync(file, 0o444);
    const target = open();
    await expect(shift(target, 70, 30)).rejects.toThrow(`${file} is read-only`);
    await expect(target.rehearse(await target.load(), [])).rejects.toThrow('is read-only');
    expect(names()).toEqual(['route.yaml']);
  });

  it('is refused in a dry run where an anchor is in the way', async () => {
    const anchored = routeOf('default')
      .replace('weight: 100', 'weight: &all 100')
      .replace('v2 }', 'v2 }\n          weight: *all');
    writeFileSync(file, anchored);
    const target = open();
    const path = ['spec', 'http', 0, 'route', 1, 'weight'];
    await expect(target.rehearse(await target.load(), [{ path, value: 5 }])).rejects.toThrow(
      'cannot be changed in place',
    );
    expect(text()).toBe(anchored);
  });
});
