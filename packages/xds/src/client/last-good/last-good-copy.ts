import { dirname } from 'node:path';
import type { Clock, MeshResources, Timer } from '@inmesh/core';
import type { Logger } from '../../logger.js';
import type { ResourceStore } from '../resource-store.js';
import { assembleCopy, copyableResources } from './copied-resources.js';
import { readCopy, writeCopy } from './copy-format.js';
import { makePrivateFolder, readPrivateFile, replacePrivateFile } from './private-file.js';

export interface LastGoodCopyOptions {
  /** Of the file. */
  readonly path: string;
  /** Whose configuration it is: that of another server or another workload is refused. */
  readonly identity: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds since 1970. Default: Date.now. */
  readonly wallClock?: (() => number) | undefined;
}

export interface LoadedCopy {
  readonly resources: MeshResources;
  readonly ageMs: number;
}

/** How long changes are gathered before they are written: endpoints may change every second. */
const gatherMs = 2000;

/** Keeps the last good configuration in a file, for a process that starts while no server can be reached. */
export class LastGoodCopy {
  readonly #options: LastGoodCopyOptions;
  readonly #wallClock: () => number;
  #pending: { readonly timer: Timer; readonly store: ResourceStore } | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: LastGoodCopyOptions) {
    this.#options = options;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  /** Undefined when there is none, or none that can be trusted: the log says why. */
  async load(): Promise<LoadedCopy | undefined> {
    const { path, identity, logger } = this.#options;
    try {
      const content = await readPrivateFile(path);
      if (content === undefined) {
        // A path where none can ever be written is better told now than when the server is lost again.
        await makePrivateFolder(dirname(path));
        logger.warn('there is no copy of the last good configuration yet', { path });
        return undefined;
      }
      const { header, resources: copied } = readCopy(content);
      if (header.identity !== identity) throw new Error(`it is that of ${header.identity}, and this is ${identity}`);
      const resources = await assembleCopy(copied);
      return resources && { resources, ageMs: Math.max(0, this.#wallClock() - header.savedAtMs) };
    } catch (error) {
      const reason = (error as Error).message;
      logger.warn(`the copy of the last good configuration is not used: ${reason}`, { path });
      return undefined;
    }
  }

  /** Writes what the store has in a moment, together with what else changes until then. */
  changed(store: ResourceStore): void {
    this.#pending ??= { store, timer: this.#options.clock.setTimer(gatherMs, () => this.#write()) };
  }

  /** Writes what was not written yet. */
  async close(): Promise<void> {
    if (this.#pending !== undefined) this.#write();
    await this.#writing;
  }

  #write(): void {
    const { path, identity, logger } = this.#options;
    const { timer, store } = this.#pending!;
    timer.cancel();
    this.#pending = undefined;
    this.#writing = this.#writing.then(async () => {
      const resources = [...copyableResources(store)];
      try {
        await replacePrivateFile(path, writeCopy({ identity, savedAtMs: this.#wallClock() }, resources));
      } catch (error) {
        const reason = (error as Error).message;
        logger.warn(`the copy of the last good configuration could not be written: ${reason}`, { path });
      }
    });
  }
}
