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

/** A file that did not change keeps its identity with whoever reads the folder: it is parsed once. */
const parsed = new WeakMap<SourceFile, ParsedFile>();

/**
 * Reads the objects of YAML files, with their places: several documents in a file, `kind: List`. What is not YAML, what is
 * no object and what is there twice are issues.
 */
export function loadYaml(files: readonly SourceFile[], options: LoadOptions = {}): LoadedObjects {
  const found = files.map((file) => {
    const known = parsed.get(file) ?? parseFile(file);
    parsed.set(file, known);
    return known;
  });
  const all = found.flatMap(({ objects }) => objects);
  const duplicates = new IssueList();
  const objects = withoutDuplicates(all, settingsOf(options).defaultNamespace, duplicates);
  return { objects, issues: [...found.flatMap(({ issues }) => issues), ...duplicates.sorted()] };
}

/** The first of equally named objects counts; each other one is an error. */
function withoutDuplicates(
  objects: readonly ConfigObject[],
  defaultNamespace: string,
  issues: IssueList,
): ConfigObject[] {
  const first = new Map<string, ConfigObject>();
  return objects.filter((object) => {
    const namespace = object.namespace || defaultNamespace;
    // Versions of one API share their objects.
    const key = [groupOf(object.apiVersion), object.kind, namespace, object.name].join('/');
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, object);
      return true;
    }
    const place = Place.of({ ...object, namespace }, issues).at('metadata', 'name');
    place.error(`there is already a ${Place.of({ ...other, namespace }, issues).at('metadata', 'name').reference}`);
    return false;
  });
}
