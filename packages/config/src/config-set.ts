import { type ClientView, isSdk } from './client.js';
import { FileSet } from './file-set.js';
import type { Issue } from './issues.js';
import { lastGoodOf } from './last-good.js';
import { type LoadedConfig, type LoadOptions, loadConfig } from './load-config.js';
import type { SourceFile } from './load-yaml.js';
import { Memory } from './memory.js';
import { defaultClientOf } from './options.js';
import { isStandIn, standInFor } from './stand-in.js';
import { Translator } from './translator.js';

/** What became of a set of files: `refused` names the files whose last good content is used instead. */
export interface ConfigUpdate {
  /** Undefined until a first set without errors; the same object as before when the contents in use are the same. */
  readonly config: LoadedConfig | undefined;
  /** Issues of the files as they are now, refused ones included. */
  readonly issues: readonly Issue[];
  readonly refused: readonly string[];
  /** The last good contents that are used in place of refused ones. */
  readonly lastGood: readonly SourceFile[];
}

/**
 * Keeps the last good content of every file. A file with an error is refused by itself, so that one broken save does not
 * hold up the others; where that does not help (an error between files), the whole last good set stays. An object of a
 * cluster never holds up the others: without a good content, or when what it needs is gone, it is left out.
 */
export class ConfigSet {
  #good = new FileSet([]);
  #config: LoadedConfig | undefined;
  readonly #memory = new Memory();

  constructor(private readonly options: LoadOptions = {}) {}

  /** Translates the contents that are in use now for other clients, now or later. */
  translator(): (client: ClientView) => LoadedConfig {
    const good = this.#good;
    const load = (client: ClientView) => loadConfig(good.list(), { ...this.options, client }, this.#memory);
    const translator = new Translator(load, this.#memory);
    const client = defaultClientOf(this.options);
    if (this.#config !== undefined && isSdk(client)) translator.add(client, this.#config);
    return (client) => translator.translate(client);
  }

  /**
   * What would be said of a file among those that are in use now, in the place of the one with its path if there is one. It
   * costs what its change would, and nothing of it stays.
   */
  issuesOf(file: SourceFile): readonly Issue[] {
    const others = this.#good.list();
    const index = others.findIndex(({ path }) => path === file.path);
    const files = index < 0 ? [...others, file] : others.with(index, file);
    const { issues } = this.#memory.aside(() => loadConfig(files, this.options, this.#memory));
    return issues.filter((issue) => issue.file === file.path);
  }

  get isEmpty(): boolean {
    return this.#good.list().length === 0;
  }

  update(files: readonly SourceFile[]): ConfigUpdate {
    this.#memory.beginRound();
    const candidate = new FileSet(files);
    const refused = new Set<string>();
    let issues: readonly Issue[] | undefined;
    for (;;) {
      const loaded = loadConfig(candidate.list(), this.options, this.#memory);
      issues = issues === undefined ? loaded.issues : [...issues, ...newErrors(loaded.issues, issues)];
      const broken = new Set(loaded.issues.filter((issue) => issue.severity === 'error').map((issue) => issue.file));
      if (broken.size === 0) return this.#accept(candidate, loaded, issues, refused);
      if (!this.#fallBack(candidate, broken, refused)) return this.#keep(files, broken, issues);
    }
  }

  #accept(files: FileSet, config: LoadedConfig, issues: readonly Issue[], refused: Set<string>): ConfigUpdate {
    // The same object tells the caller that nothing has changed, as after one bad save on another.
    if (this.#config === undefined || !files.equals(this.#good)) this.#config = config;
    this.#good = files;
    return this.#updateOf([...refused], issues);
  }

  /** Nothing of what was saved is used, in files without errors neither. */
  #keep(files: readonly SourceFile[], broken: Set<string>, issues: readonly Issue[]): ConfigUpdate {
    const held = files.filter(({ path, text }) => this.#config !== undefined && this.#good.get(path)?.text !== text);
    const refused = [...new Set([...broken, ...held.map(({ path }) => path)])];
    return this.#updateOf(refused, issues);
  }

  #updateOf(refused: readonly string[], issues: readonly Issue[]): ConfigUpdate {
    const inUse = refused.flatMap((path) => this.#good.get(path) ?? []);
    return { config: this.#config, issues, refused, lastGood: inUse.filter((file) => !isStandIn(file)) };
  }

  /**
   * Puts the last good content in the place of broken ones, which for a file that is new is to be absent; false when that
   * changes nothing. At first no file is left out: half of a configuration may send calls elsewhere than all of it.
   */
  #fallBack(candidate: FileSet, broken: Set<string>, refused: Set<string>): boolean {
    const changed = [...broken].filter((path) => this.#restore(candidate, path, refused));
    // What was good is broken by the others only, so it goes last.
    const absent = changed.length > 0 ? [] : [...broken].filter((path) => isOfCluster(candidate.get(path)));
    for (const path of absent) leaveOut(candidate, path);
    for (const path of [...changed, ...absent]) refused.add(path);
    return changed.length + absent.length > 0;
  }

  #restore(candidate: FileSet, path: string, refused: ReadonlySet<string>): boolean {
    const now = candidate.get(path);
    const good = lastGoodOf(now, this.#good.get(path));
    const isPossible = this.#config !== undefined || isOfCluster(now);
    if (!isPossible || refused.has(path) || good?.text === now?.text) return false;
    if (good === undefined) leaveOut(candidate, path);
    else candidate.set(path, good);
    return true;
  }
}

function leaveOut(candidate: FileSet, path: string): void {
  const standIn = standInFor(candidate.get(path));
  if (standIn === undefined) candidate.delete(path);
  else candidate.set(path, standIn);
}

function isOfCluster(file: SourceFile | undefined): boolean {
  return file?.object !== undefined;
}

/** What came to light only when others had been refused. */
function newErrors(found: readonly Issue[], known: readonly Issue[]): readonly Issue[] {
  const said = new Set(known.filter(({ severity }) => severity === 'error').map(({ file }) => file));
  return found.filter(({ severity, file }) => severity === 'error' && !said.has(file));
}
