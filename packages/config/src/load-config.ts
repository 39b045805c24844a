import { sortIssues } from './issues.js';
import { loadYaml, type SourceFile } from './load-yaml.js';
import { Memory } from './memory.js';
import type { LoadOptions } from './options.js';
import { type Translation, translate } from './translate/translate.js';
import { withoutKeys } from './without-keys.js';

export type { LoadOptions } from './options.js';

export interface LoadedConfig extends Translation {
  /** How many objects the files have. */
  readonly objects: number;
}

/**
 * Reads files and translates what is in them. With errors among the issues the resources are incomplete.
 * @param memory of earlier calls with the same options, but for the client
 */
export function loadConfig(
  files: readonly SourceFile[],
  options: LoadOptions = {},
  memory = new Memory(),
): LoadedConfig {
  const loaded = loadYaml(files, options, memory);
  const { issues, ...translation } = translate(loaded.objects, options, memory);
  const all = sortIssues([...loaded.issues, ...issues].map(withoutKeys));
  return { ...translation, issues: all, objects: loaded.objects.length };
}
