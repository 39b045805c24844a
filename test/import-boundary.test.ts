import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findBoundaryViolations } from './support/import-boundary.js';
import { type Manifest, readManifest, readSourcePackages, type SourcePackage } from './support/source-packages.js';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

describe('The import boundary', () => {
  test('is kept by every package of this repository', () => {
    const packages = readSourcePackages(repository, ['packages/*', 'examples/*', 'bench']);
    const testTools = Object.keys(readManifest(repository).devDependencies ?? {});

    expect(packages.map(({ manifest }) => manifest.name)).toContain('@inmesh/core');
    expect(findBoundaryViolations(packages, testTools)).toEqual([]);
  });

  test('lets a package import what is below it', () => {
    expect(
      violationsOf('@inmesh/config', { 'src/a.ts': "import { parse } from 'yaml'; import '@inmesh/core';" }),
    ).toEqual([]);
    expect(
      violationsOf('inmesh', { 'src/a.ts': "import net from 'node:net'; import '@inmesh/xds/messages';" }),
    ).toEqual([]);
    expect(violationsOf('@inmesh/core', { 'src/a.ts': "import './b.js';", 'src/b.ts': '' })).toEqual([]);
    expect(violationsOf('@inmesh/config', { 'src/folder/a.ts': "import 'node:fs';" })).toEqual([]);
    expect(violationsOf('@inmesh/config', { 'src/a.ts': "import 'node:crypto';" })).toEqual([]);
  });

  test.each([
    ['@inmesh/core', "import 'node:fs';", "imports 'node:fs', but may not import modules of Node"],
    ['@inmesh/config', "import 'node:fs';", "imports 'node:fs', but may not import modules of Node"],
    ['@inmesh/core', "import 'yaml';", "imports 'yaml', but may not import yaml"],
    ['@inmesh/core', "import '@inmesh/xds';", "imports '@inmesh/xds', but may not import @inmesh/xds"],
    ['@inmesh/core', "import type { A } from '@inmesh/xds';", "imports '@inmesh/xds', but may not import @inmesh/xds"],
    ['@inmesh/xds', "export * from '@inmesh/config';", "imports '@inmesh/config', but may not import @inmesh/config"],
    [
      'inmesh',
      "await import('@inmesh/control-plane');",
      "imports '@inmesh/control-plane', but may not import @inmesh/control-plane",
    ],
    ['@inmesh/control-plane', "let a: import('inmesh').A;", "imports 'inmesh', but may not import inmesh"],
    [
      'inmesh',
      "import '@inmesh/core/dist/call.js';",
      "imports '@inmesh/core/dist/call.js', which is not in its exports",
    ],
    ['inmesh', "import '../../core/src/call.js';", "imports '../../core/src/call.js', which is outside of its package"],
    ['inmesh', "import 'left-pad';", "imports 'left-pad', which its package.json does not declare"],
    ['inmesh', "import 'vitest';", "imports 'vitest', which its package.json does not declare"],
    ['inmesh', "import 'fs';", "imports 'fs' without the prefix node:"],
    ['@inmesh/xds', "import './gen/a_pb.js';", "imports './gen/a_pb.js' past src/messages.ts"],
  ])('refuses in %s: %s', (name, text, problem) => {
    expect(violationsOf(name, { 'src/a.ts': text })).toEqual([`${name} src/a.ts:1 ${problem}`]);
  });

  test('refuses in the core to read the clock, roll dice or set timers', () => {
    const text = 'Date.now();\nMath.random();\nperformance.now();\nsetTimeout(f);\nglobalThis.setInterval(f);';
    expect(violationsOf('@inmesh/core', { 'src/a.ts': text })).toEqual([
      '@inmesh/core src/a.ts:1 mentions Date.now',
      '@inmesh/core src/a.ts:2 mentions Math.random',
      '@inmesh/core src/a.ts:3 mentions performance.now',
      '@inmesh/core src/a.ts:4 mentions setTimeout',
      '@inmesh/core src/a.ts:5 mentions setInterval',
    ]);
    expect(violationsOf('@inmesh/core', { 'src/testing/a.ts': text, 'src/a.test.ts': text })).toEqual([]);
    expect(violationsOf('inmesh', { 'src/a.ts': text })).toEqual([]);
  });

  test('refuses cycles, except those of types alone', () => {
    const back = (line: string) => ({
      'src/a.ts': "import './b.js';",
      'src/b.ts': "import './c.js';",
      'src/c.ts': line,
    });
    expect(violationsOf('inmesh', back("import { type A } from './a.js';"))).toEqual([
      'inmesh src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts is a cycle',
    ]);
    expect(violationsOf('inmesh', back("import type { A } from './a.js';"))).toEqual([]);
  });

  test('lets tests use the development tools', () => {
    expect(violationsOf('@inmesh/core', { 'src/a.test.ts': "import 'vitest'; import 'node:fs';" })).toEqual([]);
    expect(violationsOf('@inmesh/core', { 'src/a.test.ts': "import 'left-pad';" })).toHaveLength(1);
  });
});

function violationsOf(name: string, files: Record<string, string>): string[] {
  return findBoundaryViolations(
    manifests.map((manifest) => ({ manifest, files: manifest.name === name ? sourceFiles(files) : [] })),
    ['vitest'],
  );
}

function sourceFiles(files: Record<string, string>): SourcePackage['files'] {
  return Object.entries(files).map(([file, text]) => ({ path: file, text }));
}

const manifests: readonly Manifest[] = [
  { name: '@inmesh/core', exports: { '.': {}, './testing': {} } },
  { name: '@inmesh/xds', exports: { '.': {}, './messages': {} }, dependencies: { '@inmesh/core': '*' } },
  { name: '@inmesh/config', exports: { '.': {} }, dependencies: { '@inmesh/core': '*', yaml: '*' } },
  { name: 'inmesh', exports: { '.': {} }, dependencies: { '@inmesh/xds': '*', '@inmesh/core': '*' } },
  { name: '@inmesh/control-plane', exports: { '.': {} }, dependencies: { '@inmesh/core': '*' } },
];
