import { isBuiltin } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { findCycles } from './import-cycles.js';
import { type Import, lineOf, parseSource, readImports, visit } from './parse-imports.js';
import type { SourceFile, SourcePackage } from './source-packages.js';

interface Rule {
  /** The packages of this repository that it may import. */
  readonly packages: readonly string[];
  /** Where this is given, no other package from outside. */
  readonly external?: readonly string[];
  /** The folder whose files may import modules of Node's own; without it, none may. */
  readonly builtinsIn?: string;
  /** Modules of Node's own that any file may import, because they do no I/O. */
  readonly pureBuiltins?: readonly string[];
}

/** Who may import whom, lowest floor first. A package that is not listed (an example, the benchmark) may import all. */
const rules: Readonly<Record<string, Rule>> = {
  '@inmesh/core': { packages: [], external: [] },
  '@inmesh/xds': { packages: ['@inmesh/core'], builtinsIn: 'src/' },
  // Pure functions, text in and resources out, except where files are read for them.
  '@inmesh/config': {
    packages: ['@inmesh/core', '@inmesh/xds'],
    external: ['yaml', '@bufbuild/protobuf'],
    builtinsIn: 'src/folder/',
    pureBuiltins: ['node:crypto'],
  },
  inmesh: { packages: ['@inmesh/core', '@inmesh/xds', '@inmesh/config'], builtinsIn: 'src/' },
  '@inmesh/control-plane': { packages: ['@inmesh/core', '@inmesh/xds', '@inmesh/config'], builtinsIn: 'src/' },
};

/** What only the injected clock and random may do, so that a whole mesh can run in a deterministic test. */
const impure = ['Date.now', 'Math.random', 'performance.now', 'setTimeout', 'setInterval'];

/** One sentence for every import that crosses a boundary. `testTools` are the packages that any test may import. */
export function findBoundaryViolations(
  packages: readonly SourcePackage[],
  testTools: readonly string[] = [],
): string[] {
  return packages.flatMap((pkg) => [
    ...pkg.files.flatMap((file) => fileViolations(pkg, file, packages, testTools)),
    ...cycleViolations(pkg),
  ]);
}

function fileViolations(
  pkg: SourcePackage,
  file: SourceFile,
  packages: readonly SourcePackage[],
  testTools: readonly string[],
): string[] {
  const source = parseSource(file.path, file.text);
  const violations = readImports(source).flatMap((found) => {
    const problem = importProblem(pkg, file, found, packages, testTools);
    return problem === undefined ? [] : [`${place(pkg, file, found.line)} ${problem}`];
  });
  if (pkg.manifest.name !== '@inmesh/core' || isTest(file) || file.path.startsWith('src/testing/')) return violations;
  return [...violations, ...impureMentions(source).map(([line, name]) => `${place(pkg, file, line)} mentions ${name}`)];
}

function importProblem(
  pkg: SourcePackage,
  file: SourceFile,
  { specifier, typeOnly }: Import,
  packages: readonly SourcePackage[],
  testTools: readonly string[],
): string | undefined {
  if (specifier.startsWith('.')) return relativeProblem(pkg, file, specifier);
  const rule = rules[pkg.manifest.name];
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) return `imports '${specifier}' without the prefix node:`;
    return mayImportBuiltin(rule, file, specifier)
      ? undefined
      : `imports '${specifier}', but may not import modules of Node`;
  }

  const name = packageName(specifier);
  const own = packages.find((candidate) => candidate.manifest.name === name);
  if (own !== undefined && !exportsSubpath(own, specifier))
    return `imports '${specifier}', which is not in its exports`;
  if (name === pkg.manifest.name) return undefined;
  if (isTest(file) && testTools.includes(name)) return undefined;
  if (own !== undefined && rule && !rule.packages.includes(name))
    return `imports '${specifier}', but may not import ${name}`;
  if (own === undefined && rule?.external && !isTest(file) && !rule.external.includes(name)) {
    return `imports '${specifier}', but may not import ${name}`;
  }
  if (!declares(pkg, name, isTest(file) || typeOnly))
    return `imports '${specifier}', which its package.json does not declare`;
  return undefined;
}

function mayImportBuiltin(rule: Rule | undefined, file: SourceFile, specifier: string): boolean {
  if (rule === undefined || isTest(file) || rule.pureBuiltins?.includes(specifier)) return true;
  return rule.builtinsIn !== undefined && file.path.startsWith(rule.builtinsIn);
}

function relativeProblem(pkg: SourcePackage, file: SourceFile, specifier: string): string | undefined {
  const target = path.posix.join(path.posix.dirname(file.path), specifier);
  // The packages are two folders deep.
  if (isTest(file) && target.startsWith('../../test/support/')) return undefined;
  if (target.startsWith('..')) return `imports '${specifier}', which is outside of its package`;
  const isGenerated = pkg.manifest.name === '@inmesh/xds' && target.startsWith('src/gen/');
  return isGenerated && file.path !== 'src/messages.ts' ? `imports '${specifier}' past src/messages.ts` : undefined;
}

function exportsSubpath({ manifest }: SourcePackage, specifier: string): boolean {
  return Object.keys(manifest.exports ?? {}).includes(`.${specifier.slice(manifest.name.length)}`);
}

function declares({ manifest }: SourcePackage, name: string, developmentIsEnough: boolean): boolean {
  const fields = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies];
  if (developmentIsEnough) fields.push(manifest.devDependencies);
  return fields.some((field) => field !== undefined && Object.hasOwn(field, name));
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isTest(file: SourceFile): boolean {
  return file.path.startsWith('test/') || /\.test\.[cm]?tsx?$/.test(file.path);
}

function place(pkg: SourcePackage, file: SourceFile, line: number): string {
  return `${pkg.manifest.name} ${file.path}:${line}`;
}

function impureMentions(source: ts.SourceFile): [line: number, name: string][] {
  const mentions: [number, string][] = [];
  visit(source, (node) => {
    const name = impure.find((candidate) => isMention(node, candidate));
    if (name !== undefined) mentions.push([lineOf(node), name]);
  });
  return mentions;
}

function isMention(node: ts.Node, name: string): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.getText().replace(/^globalThis\./, '') === name;
  if (!ts.isIdentifier(node) || node.text !== name) return false;
  // A method of that name on an injected object is somebody else's.
  return !ts.isPropertyAccessExpression(node.parent) && !ts.isPropertySignature(node.parent) && !isMethod(node.parent);
}

function isMethod(node: ts.Node): boolean {
  return ts.isMethodSignature(node) || ts.isMethodDeclaration(node);
}

function cycleViolations(pkg: SourcePackage): string[] {
  const sources = pkg.files.filter((file) => !isTest(file));
  const known = new Set(sources.map((file) => file.path));
  const graph = new Map(sources.map((file) => [file.path, importedFiles(file, known)]));
  return findCycles(graph).map((cycle) => `${pkg.manifest.name} ${[...cycle, cycle[0]].join(' -> ')} is a cycle`);
}

function importedFiles(file: SourceFile, known: ReadonlySet<string>): string[] {
  return readImports(parseSource(file.path, file.text))
    .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
    .map(({ specifier }) => path.posix.join(path.posix.dirname(file.path), specifier).replace(/\.([cm]?)js$/, '.$1ts'))
    .filter((target) => known.has(target));
}
