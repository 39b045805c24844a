import { type Issue, IssueList } from './issues.js';
import { type ConfigObject, groupOf } from './objects.js';
import { type LoadOptions, settingsOf } from './options.js';
import { type ParsedFile, parseFile } from './parse-file.js';
import { Place } from './place.js';
import type { SourceFile } from './source-file.js';

export type { SourceFile } from './source-file.js';

export interface LoadedObjects {
  readonly objects: readonly ConfigObject[];
  readonly issues: Issue[];
}

interface KnownFile extends ParsedFile {
  /** Of each object, what no two of a configuration share, where it says its namespace itself. */
  readonly keys: readonly (string | undefined)[];
}

/** A file that did not change keeps its identity with whoever reads the folder: it is parsed once. */
const known = new WeakMap<SourceFile, KnownFile>();

/**
 * Reads the objects of YAML files, with their places: several documents in a file, `kind: List`. What is not YAML, what is
 * no object and what is there twice are issues.
 */
export function loadYaml(files: readonly SourceFile[], options: LoadOptions = {}): LoadedObjects {
  const { defaultNamespace } = settingsOf(options);
  const objects: ConfigObject[] = [];
  const issues: Issue[] = [];
  const duplicates = new IssueList();
  const first = new Map<string, ConfigObject>();
  for (const file of files) {
    const read = readFile(file);
    issues.push(...read.issues);
    for (const [index, object] of read.objects.entries()) {
      const key = read.keys[index] ?? keyOf(object, defaultNamespace);
      const other = first.get(key);
      if (other === undefined) {
        first.set(key, object);
        objects.push(object);
      } else sayTwice(object, other, defaultNamespace, duplicates);
    }
  }
  return { objects, issues: [...issues, ...duplicates.sorted()] };
}

function readFile(file: SourceFile): KnownFile {
  const before = known.get(file);
  if (before !== undefined) return before;
  const { objects, issues } = parseFile(file);
  const keys = objects.map((object) => (object.namespace === '' ? undefined : keyOf(object, '')));
  const read = { objects, issues, keys };
  known.set(file, read);
  return read;
}

/** Versions of one API share their objects. */
function keyOf({ apiVersion, kind, namespace, name }: ConfigObject, defaultNamespace: string): string {
  return [groupOf(apiVersion), kind, namespace || defaultNamespace, name].join('/');
}

/** The first of equally named objects counts; each other one is an error. */
function sayTwice(object: ConfigObject, first: ConfigObject, defaultNamespace: string, issues: IssueList): void {
  const nameOf = (one: ConfigObject) =>
    Place.of({ ...one, namespace: one.namespace || defaultNamespace }, issues).at('metadata', 'name');
  nameOf(object).error(`there is already a ${nameOf(first).reference}`);
}
