import type { Issue } from './issues.js';
import { loadYaml, type SourceFile } from './load-yaml.js';
import type { LoadOptions } from './options.js';
import { type Translation, translate } from './translate/translate.js';

export type { LoadOptions } from './options.js';

export interface LoadedConfig extends Translation {
  /** How many objects the files have. */
  readonly objects: number;
}

/** Reads files and translates what is in them. With errors among the issues the resources are incomplete. */
export function loadConfig(files: readonly SourceFile[], options: LoadOptions = {}): LoadedConfig {
  const loaded = loadYaml(files, options);
  const { resources, issues } = translate(loaded.objects, options);
  return { resources, issues: [...loaded.issues, ...issues].sort(byFile), objects: loaded.objects.length };
}

/** Stable, so that what was found while reading a file comes before what was found in its objects. */
function byFile(a: Issue, b: Issue): number {
  if (a.file === b.file) return 0;
  return a.file < b.file ? -1 : 1;
}
