import fs from 'node:fs';
import path from 'node:path';

/** A workspace package as the boundary check sees it; made by hand where the check itself is tested. */
export interface SourcePackage {
  readonly manifest: Manifest;
  readonly files: readonly SourceFile[];
}

export interface SourceFile {
  /** From the folder of the package, with slashes: `src/index.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A folder as in a workspace list: `packages/*`, or one package. */
export function readSourcePackages(repository: string, patterns: readonly string[]): SourcePackage[] {
  return patterns.flatMap((pattern) => {
    const folder = path.join(repository, pattern.replace(/\/\*$/, ''));
    const folders = pattern.endsWith('/*') ? fs.readdirSync(folder).map((name) => path.join(folder, name)) : [folder];
    return folders.filter((candidate) => fs.existsSync(path.join(candidate, 'package.json'))).map(readSourcePackage);
  });
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

function readSourcePackage(folder: string): SourcePackage {
  return { manifest: readManifest(folder), files: ['src', 'test'].flatMap((name) => readFiles(folder, name)) };
}

function readFiles(packageFolder: string, folder: string): SourceFile[] {
  const absolute = path.join(packageFolder, folder);
  if (!fs.existsSync(absolute)) return [];
  return fs.readdirSync(absolute, { withFileTypes: true }).flatMap((entry): SourceFile[] => {
    const name = `${folder}/${entry.name}`;
    // Generated code keeps its own order.
    if (entry.isDirectory()) return entry.name === 'gen' ? [] : readFiles(packageFolder, name);
    if (!/\.[cm]?tsx?$/.test(entry.name)) return [];
    return [{ path: name, text: fs.readFileSync(path.join(packageFolder, name), 'utf8') }];
  });
}
