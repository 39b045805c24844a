import { type FSWatcher, watch } from 'node:fs';
import type { SourceFile } from '../load-yaml.js';
import { type FileStamp, listYaml, readYamlFile } from './read-folder.js';

/** Events of one save come in a burst; it is read once it has been quiet for this long. */
const settleMs = 25;
/** An emptied file is most often a save under way: it is believed when it is still empty after this. */
const emptyRecheckMs = 150;
/** Some mounts send no events, so the folder is also looked at in this interval. */
const pollMs = 1000;

export interface FolderWatch {
  close(): void;
}

export interface FolderWatchHandlers {
  /** All files, each time the set or a content has changed; the first time when they have been read. */
  onFiles(files: readonly SourceFile[]): void;
  /** The folder cannot be read; the next look may succeed. */
  onError(error: Error): void;
}

/** Watches files and folders of YAML, without keeping the process alive. Reads a file again only when its time or size has changed. */
export function watchFolder(paths: readonly string[], handlers: FolderWatchHandlers): FolderWatch {
  return new Watch(paths, handlers);
}

class Watch implements FolderWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  #known = new Map<string, { stamp: FileStamp; file: SourceFile }>();
  #delivered = false;
  #looking = false;
  #lookAgain = false;
  #closed = false;

  constructor(
    private readonly paths: readonly string[],
    private readonly handlers: FolderWatchHandlers,
  ) {
    this.#poll = setInterval(() => this.#look(), pollMs).unref();
    this.#look();
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
  }

  /**
   * One watcher for each folder, not recursive: Node 20's recursive one loses a file that another is renamed over, as
   * editors do when they save.
   */
  #listen(folders: readonly string[]): void {
    const wanted = new Set(folders);
    for (const [folder, watcher] of this.#watchers) if (!wanted.has(folder)) this.#unlisten(folder, watcher);
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#listenTo(folder);
  }

  #listenTo(folder: string): void {
    try {
      const watcher = watch(folder, () => this.#lookSoon(settleMs)).unref();
      watcher.on('error', () => this.#unlisten(folder, watcher)); // polling goes on
      this.#watchers.set(folder, watcher);
    } catch {
      // A folder that cannot be watched is polled, and a missing one is reported by the look.
    }
  }

  #unlisten(folder: string, watcher: FSWatcher): void {
    watcher.close();
    this.#watchers.delete(folder);
  }

  #lookSoon(delayMs: number): void {
    clearTimeout(this.#settling);
    if (!this.#closed) this.#settling = setTimeout(() => this.#look(), delayMs).unref();
  }

  async #look(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    try {
      await this.#readChanges();
    } catch (error) {
      this.#delivered = false; // its end is told as well
      if (!this.#closed) this.handlers.onError(error as Error);
    } finally {
      this.#looking = false;
    }
    if (this.#lookAgain && !this.#closed) {
      this.#lookAgain = false;
      this.#lookSoon(settleMs);
    }
  }

  async #readChanges(): Promise<void> {
    const { files: stamps, folders } = await listYaml(this.paths);
    if (!this.#closed) this.#listen(folders);
    const next = new Map<string, { stamp: FileStamp; file: SourceFile }>();
    let changed = stamps.length !== this.#known.size;
    for (const stamp of stamps) {
      const known = this.#known.get(stamp.path);
      if (known !== undefined && sameStamp(known.stamp, stamp) && !isFresh(stamp)) {
        next.set(stamp.path, known);
        continue;
      }
      if (stamp.size === 0 && known !== undefined && known.file.text !== '' && !isSettled(stamp)) {
        next.set(stamp.path, known);
        this.#lookSoon(emptyRecheckMs);
        continue;
      }
      const file = await readYamlFile(stamp);
      if (known?.file.text === file.text) {
        next.set(stamp.path, { stamp, file: known.file });
        continue;
      }
      next.set(stamp.path, { stamp, file });
      changed = true;
    }
    this.#known = next;
    if (this.#closed || (!changed && this.#delivered)) return;
    this.#delivered = true;
    this.handlers.onFiles([...next.values()].map(({ file }) => file));
  }
}

function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.modifiedMs === b.modifiedMs && a.size === b.size && a.inode === b.inode;
}

/** File systems count time in ticks of some ms: within one, a second write leaves the same stamp. */
function isFresh({ modifiedMs }: FileStamp): boolean {
  return Date.now() - modifiedMs < 2 * pollMs;
}

function isSettled({ modifiedMs }: FileStamp): boolean {
  return Date.now() - modifiedMs > emptyRecheckMs;
}
