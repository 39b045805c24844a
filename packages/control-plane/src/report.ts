import { formatIssue, type SourceFile } from '@inmesh/config';
import type { ConfigState } from './config-state.js';
import { initialState } from './config-state.js';
import { describeResources } from './describe-resources.js';
import type { Logger } from './logger.js';

type Texts = ReadonlyMap<string, string>;

/**
 * Writes what has changed from one state to the next. A state comes with every save of any file, so an issue is written
 * once for each content of its own file.
 */
export class StateReport {
  #before: ConfigState = initialState;
  #written = new Set<string>();
  #texts: Texts = new Map();

  constructor(private readonly logger: Logger) {}

  /** Returns how many files are refused for a content that was not refused before. */
  write(state: ConfigState, files: readonly SourceFile[] | undefined): number {
    const texts: Texts = files === undefined ? this.#texts : new Map(files.map(({ path, text }) => [path, text]));
    const isSaved = (path: string) => texts.get(path) !== this.#texts.get(path);
    const refused = state.refused.filter((path) => isSaved(path) || !this.#before.refused.includes(path));
    this.#writeIssues(state, isSaved);
    this.#writeProblems(state);
    this.#writeOutcome(state, refused, texts);
    this.#texts = texts;
    this.#before = state;
    return refused.length;
  }

  #writeIssues({ issues }: ConfigState, isSaved: (path: string) => boolean): void {
    const written = new Set<string>();
    for (const issue of issues) {
      const line = formatIssue(issue);
      if (isSaved(issue.file) || !this.#written.has(line)) {
        this.logger[issue.severity === 'error' ? 'error' : 'warn'](line);
      }
      written.add(line);
    }
    this.#written = written;
  }

  #writeProblems({ inconsistencies, sourceError }: ConfigState): void {
    if (sourceError !== undefined && sourceError !== this.#before.sourceError) {
      this.logger.error(`the configuration cannot be read: ${sourceError}`);
    }
    if (inconsistencies === this.#before.inconsistencies) return;
    for (const line of inconsistencies) this.logger.error(`the configuration is not published: ${line}`);
  }

  #writeOutcome({ served, refused }: ConfigState, newlyRefused: readonly string[], texts: Texts): void {
    const before = this.#before;
    const mended = before.refused.filter((path) => !refused.includes(path) && texts.has(path));
    // Where nothing has been in use yet, nothing was refused aloud either.
    if (before.served !== undefined) for (const path of mended) this.logger.info(`${path} is accepted again`);
    if (served !== undefined && served !== before.served) {
      this.logger.info(`published ${describeResources(served.resources)}`);
    }
    if (newlyRefused.length > 0 && served !== undefined) {
      this.logger.warn(`refused ${newlyRefused.join(', ')}: the last good content, if there was one, stays in use`);
    }
  }
}
