import { FileSet, formatIssue, type SourceFile } from '@inmesh/config';
import type { ConfigState } from './config-state.js';
import { initialState } from './config-state.js';
import { describeResources } from './describe-resources.js';
import { EndpointCount } from './endpoint-count.js';
import type { Logger } from './logger.js';

/**
 * Writes what has changed from one state to the next. A state comes with every save of any file, so an issue is written
 * once for each content of its own file.
 */
export class StateReport {
  #before: ConfigState = initialState;
  #written = new Set<string>();
  #files = new FileSet([]);
  readonly #endpoints = new EndpointCount();

  constructor(private readonly logger: Logger) {}

  /** Returns how many files are refused for a content that was not refused before. */
  write(state: ConfigState, files: readonly SourceFile[] | undefined): number {
    const now = files === undefined ? this.#files : new FileSet(files);
    const isSaved = (path: string) => now.get(path)?.text !== this.#files.get(path)?.text;
    const refused = state.refused.filter((path) => isSaved(path) || !this.#before.refused.includes(path));
    this.#writeIssues(state, isSaved);
    this.#writeProblems(state);
    this.#writeOutcome(state, refused, now);
    this.#files = now;
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

  #writeProblems({ inconsistencies, sourceErrors }: ConfigState): void {
    const known = this.#before.sourceErrors;
    for (const error of sourceErrors) {
      if (!known.includes(error)) this.logger.error(`the configuration cannot be read: ${error}`);
    }
    if (inconsistencies === this.#before.inconsistencies) return;
    for (const line of inconsistencies) this.logger.error(`the configuration is not published: ${line}`);
  }

  #writeOutcome({ served, refused }: ConfigState, newlyRefused: readonly string[], files: FileSet): void {
    const before = this.#before;
    const mended = before.refused.filter((path) => !refused.includes(path) && files.get(path) !== undefined);
    // Where nothing has been in use yet, nothing was refused aloud either.
    if (before.served !== undefined) for (const path of mended) this.logger.info(`${path} is accepted again`);
    if (served !== undefined && served !== before.served) {
      this.logger.info(`published ${describeResources(served.resources, this.#endpoints)}`);
    }
    if (newlyRefused.length > 0 && served !== undefined) {
      this.logger.warn(`refused ${newlyRefused.join(', ')}: the last good content, if there was one, stays in use`);
    }
  }
}
