import { type Issue, IssueList } from './issues.js';
import { Memory } from './memory.js';
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
export function loadYaml(
  files: readonly SourceFile[],
  options: LoadOptions = {},
  memory = new Memory(),
): LoadedObjects {
  const { defaultNamespace } = settingsOf(options);
  const runs = memory.recallRuns('files', files, (run) => readFiles(run, defaultNamespace));
  const issues = runs.flatMap((run) => run.issues);
  const all = concat(runs.map(({ objects }) => objects));
  const keys = concat(runs.map((run) => run.keys));
  const twice = memory.recallOf('twice', keys, () => indexesOfTwice(keys));
  if (twice.size === 0) return { objects: all, issues };
  const duplicates = new IssueList();
  for (const [index, first] of twice) sayTwice(all[index]!, all[first]!, defaultNamespace, duplicates);
  return { objects: all.filter((_, index) => !twice.has(index)), issues: [...issues, ...duplicates.sorted()] };
}

interface ReadFiles {
  readonly objects: readonly ConfigObject[];
  readonly keys: readonly string[];
  readonly issues: readonly Issue[];
}

function readFiles(files: readonly SourceFile[], defaultNamespace: string): ReadFiles {
  const read = files.map(readFile);
  return {
    objects: read.flatMap(({ objects }) => objects),
    keys: read.flatMap(({ objects, keys }) => keys.map((key, at) => key ?? keyOf(objects[at]!, defaultNamespace))),
    issues: read.flatMap(({ issues }) => issues),
  };
}

/** The index of each key that was there before, with that of the first. */
function indexesOfTwice(keys: readonly string[]): ReadonlyMap<number, number> {
  const firsts = new Map<string, number>();
  const twice = new Map<number, number>();
  for (const [index, key] of keys.entries()) {
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, index);
    else twice.set(index, first);
  }
  return twice;
}

function concat<Item>(runs: readonly (readonly Item[])[]): readonly Item[] {
  return ([] as Item[]).concat(...runs);
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
