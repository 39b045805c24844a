import { type ClientView, isSdk } from './client.js';
import type { Issue } from './issues.js';
import { type LoadedConfig, type LoadOptions, loadConfig } from './load-config.js';
import type { SourceFile } from './load-yaml.js';
import { defaultClientOf } from './options.js';
import { Translator } from './translator.js';

/** What became of a set of files: `refused` names the files whose last good content is used instead. */
export interface ConfigUpdate {
  /** Undefined until a first set without errors; the same object as before when the contents in use are the same. */
  readonly config: LoadedConfig | undefined;
  /** Issues of the files as they are now, refused ones included. */
  readonly issues: readonly Issue[];
  readonly refused: readonly string[];
}

/**
 * Keeps the last good content of every file. A file with an error is refused by itself, so that one broken save does not
 * hold up the others; where that does not help (an error between files), the whole last good set stays.
 */
export class ConfigSet {
  #good = new Map<string, SourceFile>();
  #config: LoadedConfig | undefined;

  constructor(private readonly options: LoadOptions = {}) {}

  /** Translates the contents that are in use now for other clients, now or later. */
  translator(): (client: ClientView) => LoadedConfig {
    const files = [...this.#good.values()];
    const translator = new Translator((client) => loadConfig(files, { ...this.options, client }));
    const client = defaultClientOf(this.options);
    if (this.#config !== undefined && isSdk(client)) translator.add(client, this.#config);
    return (client) => translator.translate(client);
  }

  update(files: readonly SourceFile[]): ConfigUpdate {
    const candidate = new Map(files.map((file) => [file.path, file]));
    const refused = new Set<string>();
    let issues: readonly Issue[] | undefined;
    for (;;) {
      const loaded = loadConfig([...candidate.values()], this.options);
      issues ??= loaded.issues;
      const broken = new Set(loaded.issues.filter((issue) => issue.severity === 'error').map((issue) => issue.file));
      if (broken.size === 0) return this.#accept(candidate, loaded, issues, refused);
      if (!this.#fallBack(candidate, broken, refused)) return this.#keep(files, broken, issues);
    }
  }

  #accept(
    files: Map<string, SourceFile>,
    config: LoadedConfig,
    issues: readonly Issue[],
    refused: Set<string>,
  ): ConfigUpdate {
    // The same object tells the caller that nothing has changed, as after one bad save on another.
    if (this.#config === undefined || !sameTexts(files, this.#good)) this.#config = config;
    this.#good = files;
    return { config: this.#config, issues, refused: [...refused] };
  }

  /** Nothing of what was saved is used, in files without errors neither. */
  #keep(files: readonly SourceFile[], broken: Set<string>, issues: readonly Issue[]): ConfigUpdate {
    const held = files.filter(({ path, text }) => this.#config !== undefined && this.#good.get(path)?.text !== text);
    return { config: this.#config, issues, refused: [...new Set([...broken, ...held.map(({ path }) => path)])] };
  }

  /**
   * Puts the last good content in the place of broken ones, which for a file that is new is to be absent; false when that
   * changes nothing. At first nothing is left out: half of a configuration may send calls elsewhere than all of it.
   */
  #fallBack(candidate: Map<string, SourceFile>, broken: Set<string>, refused: Set<string>): boolean {
    let changed = false;
    for (const path of broken) {
      const good = this.#good.get(path);
      if (this.#config === undefined || refused.has(path) || good?.text === candidate.get(path)?.text) continue;
      if (good === undefined) candidate.delete(path);
      else candidate.set(path, good);
      refused.add(path);
      changed = true;
    }
    return changed;
  }
}

function sameTexts(a: ReadonlyMap<string, SourceFile>, b: ReadonlyMap<string, SourceFile>): boolean {
  return a.size === b.size && [...a].every(([path, { text }]) => b.get(path)?.text === text);
}
