import { stringify } from 'yaml';
import type { Issue } from '../issues.js';
import { loadYaml, type SourceFile } from '../load-yaml.js';
import { modernFormOf } from './convert-objects.js';

export interface Conversion {
  /** Of the old objects alone, as YAML documents; empty where there is none. */
  readonly yaml: string;
  /** What could not be carried over. */
  readonly notes: readonly string[];
  /** Of files that could not be read. */
  readonly issues: readonly Issue[];
}

/** Today's form of what files have of the kinds before Istio 1.6. */
export function convertFiles(files: readonly SourceFile[]): Conversion {
  const { objects, issues } = loadYaml(files);
  const forms = objects.flatMap((object) => modernFormOf(object, objects) ?? []);
  // A role leads to the same as its bindings.
  const documents = new Set(
    forms
      .flatMap(({ documents: some }) => some)
      .map((document) => stringify(document, { aliasDuplicateObjects: false })),
  );
  const notes = new Set(forms.flatMap(({ notes: some }) => some));
  return { yaml: [...documents].join('---\n'), notes: [...notes], issues };
}
