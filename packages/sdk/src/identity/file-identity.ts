import { type Clock, MeshError } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { Identity, IdentitySource } from './identity.js';
import { foldersOf, type IdentityFiles, type IdentityLocation, locateFiles, pathsOf } from './identity-files.js';
import { keyProblem } from './key-permissions.js';
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
export class FileIdentity implements IdentitySource {
  readonly description: string;
  #current: Identity | undefined;
  #problem: string | undefined = 'the files have not been read yet';
  #stamp: string | undefined;
  #stopWatching: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  readonly #listeners = new Set<(identity: Identity) => void>();
  readonly #wallClock: () => number;

  constructor(
    private readonly location: IdentityLocation,
    private readonly options: FileIdentityOptions,
  ) {
    this.description = `files ${typeof location === 'string' ? location : pathsOf(location).join(', ')}`;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  get current(): Identity | undefined {
    return this.#current;
  }

  get problem(): string | undefined {
    const notAfter = this.#current?.certificate?.notAfter ?? Number.POSITIVE_INFINITY;
    if (this.#wallClock() <= notAfter) return this.#problem;
    const expired = `the certificate in use has expired at ${new Date(notAfter).toISOString()}`;
    return this.#problem === undefined ? expired : `${expired}; ${this.#problem}`;
  }

  onChange(listener: (identity: Identity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
    const problem = files === undefined ? undefined : await keyProblem(files.key).catch(() => undefined);
    if (problem !== undefined) throw problem;
    await this.look();
  }

  /** Looks whether the files are others. One look at a time; it never rejects. */
  look(): Promise<void> {
    this.#lookAgain = this.#looking !== undefined;
    this.#looking ??= this.#lookUntilQuiet().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  close(): void {
    this.#stopWatching?.();
    this.#listeners.clear();
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#lookAgain = false;
      await this.#lookOnce().catch((error) => this.#refuse(error));
    } while (this.#lookAgain);
  }

  async #lookOnce(): Promise<void> {
    const files = await locateFiles(this.location);
    const paths = pathsOf(files);
    if (this.#problem === undefined && (await stampOf(paths)) === this.#stamp) return;
    const read = await readTogether(paths);
    const permissions = await keyProblem(files.key);
    if (permissions !== undefined) throw permissions;
    this.#take(parseIdentity(textsOf(files, read), this.#wallClock()), read.stamp);
  }

  #take(identity: Identity, stamp: string): void {
    if (this.#problem === undefined && this.#stamp === stamp) return;
    this.#stamp = stamp;
    this.#problem = undefined;
    this.#current = identity;
    const { spiffeId } = identity.certificate!.identity;
    const validUntil = new Date(identity.certificate!.notAfter).toISOString();
    this.options.logger.info('a new identity is in use', { spiffeId, validUntil, source: this.description });
    for (const listener of [...this.#listeners]) listener(identity);
  }

  /** Said once, however often the files are looked at. */
  #refuse(error: unknown): void {
    const problem = MeshError.is(error) ? `${error.message}; ${error.hint}` : (error as Error).message;
    if (problem === this.#problem) return;
    this.#problem = problem;
    const kept = this.#current === undefined ? 'there is none yet' : 'the old one stays in use';
    this.options.logger.error(`the identity was not taken: ${kept}`, { problem, source: this.description });
  }
}

function textsOf({ certificate, key, authorities, federated = {} }: IdentityFiles, { texts }: FilesRead) {
  const named = (path: string) => ({ name: path, text: texts.get(path)! });
  return {
    certificate: named(certificate),
    key: named(key),
    authorities: named(authorities),
    federated: new Map(Object.entries(federated).map(([domain, path]) => [domain, named(path)])),
  };
}
