import { existsSync } from 'node:fs';
import { type Clock, MeshError } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { HoldingSource } from './holding-source.js';
import type { Identity } from './identity.js';
import { foldersOf, type IdentityFiles, type IdentityLocation, locateFiles, pathsOf } from './identity-files.js';
import { keyProblem } from './key-permissions.js';
import { oneAtATime } from './one-at-a-time.js';
import { parseIdentity } from './parse-identity.js';
import { type FilesRead, readTogether, stampOf } from './read-together.js';
import { watchPaths } from './watch-paths.js';

export interface FileIdentityOptions {
  /** What looks again run on; it need not keep the process alive. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ms; what validity is judged by. Default: Date.now. */
  readonly wallClock?: (() => number) | undefined;
}

/** An identity in PEM files, which whoever issues it writes anew before it expires. Taken as a set or not at all. */
export class FileIdentity extends HoldingSource {
  #stamp: string | undefined;
  #stopWatching: (() => void) | undefined;
  /** Looks whether the files are others. One look at a time; it never rejects. */
  readonly look: () => Promise<void>;

  constructor(
    private readonly location: IdentityLocation,
    private readonly options: FileIdentityOptions,
  ) {
    const paths = typeof location === 'string' ? location : pathsOf(location).join(', ');
    super(`files ${paths}`, 'the files have not been read yet', options);
    this.look = oneAtATime(() => this.#lookOnce().catch((error) => this.#refuse(error)));
  }

  start(): void {
    this.#stopWatching ??= watchPaths(foldersOf(this.location), this.options.clock, () => void this.look());
    void this.look();
  }

  /**
   * The first look, for who must know how it went. Files that are not there, or not good, may become so.
   * @throws MeshError `invalid_request` where others may read the key: that does not mend itself
   */
  async open(): Promise<void> {
    const files = await locateFiles(this.location).catch(() => undefined);
    const problem = files !== undefined && existsSync(files.key) ? keyProblem(files.key) : undefined;
    if (problem !== undefined) throw problem;
    await this.look();
  }

  close(): void {
    this.#stopWatching?.();
    this.held.close();
  }

  async #lookOnce(): Promise<void> {
    const files = await locateFiles(this.location);
    const paths = pathsOf(files);
    if (this.held.isSound && (await stampOf(paths)) === this.#stamp) return;
    const read = await readTogether(paths);
    const permissions = keyProblem(files.key);
    if (permissions !== undefined) throw permissions;
    this.#take(parseIdentity(textsOf(files, read), this.held.wallClock()), read.stamp);
  }

  #take(identity: Identity, stamp: string): void {
    if (this.held.isSound && this.#stamp === stamp) return;
    this.#stamp = stamp;
    this.held.take(identity);
  }

  #refuse(error: unknown): void {
    this.held.refuse(MeshError.is(error) ? `${error.message}; ${error.hint}` : (error as Error).message);
  }
}

function textsOf({ certificate, key, authorities }: IdentityFiles, { texts }: FilesRead) {
  const named = (path: string) => ({ name: path, text: texts.get(path)! });
  return { certificate: named(certificate), key: named(key), authorities: named(authorities) };
}
