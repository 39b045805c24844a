import { type KubernetesObject, keyOf } from '../client/objects.js';
import type { WatchEvent } from '../client/watch-events.js';
import { isOlder, newerVersion } from './resource-version.js';

/** What has become different, each object once. */
export interface Batch<T> {
  /** New or different, as they are now. */
  readonly changed: readonly T[];
  /** As they were last. */
  readonly removed: readonly T[];
}

type Change<T extends KubernetesObject> = Exclude<WatchEvent<T>, { type: 'BOOKMARK' | 'ERROR' }>;

/** What was deleted is remembered for a while, so that an older event cannot bring it back. */
const maxTombstones = 1000;

/** The objects of one feed. It turns lists and events into what is different. */
export class ObjectStore<T extends KubernetesObject> {
  /** Also of those that `keep` does not want. */
  #versions = new Map<string, string | undefined>();
  #tombstones = new Map<string, string | undefined>();
  /** The list knew of everything up to here. */
  #floor = '';
  #newest = '';

  constructor(
    /** Shared with the other feeds of a reflector; the namespaces of each are its own. */
    private readonly objects: Map<string, T>,
    /** What is kept of an object; undefined: nothing of it. */
    private readonly keep: (object: T) => T | undefined,
  ) {}

  /** Of all changes that it knows, deletions too as far as they were watched. */
  get newest(): string {
    return this.#newest;
  }

  get isEmpty(): boolean {
    return this.#versions.size === 0;
  }

  /** A list is the newest that there is, whatever its versions say: a cluster may have been restored from a backup. */
  replace(items: readonly T[], resourceVersion = ''): Batch<T> {
    // The same version may then be that of other content.
    const isOfOtherHistory = isOlder(resourceVersion, this.#newest);
    this.#floor = resourceVersion;
    this.#newest = '';
    const before = this.#versions;
    const touched = new Map<string, T | undefined>();
    this.#versions = new Map();
    this.#tombstones.clear();
    for (const item of items) {
      const key = keyOf(item);
      const version = item.metadata.resourceVersion;
      this.#newest = newerVersion(this.#newest, version);
      const isSame = version !== undefined && before.get(key) === version && !isOfOtherHistory;
      if (!isSame) this.#set(key, item, touched);
      this.#versions.set(key, version);
    }
    for (const key of before.keys()) if (!this.#versions.has(key)) this.#remove(key, touched);
    return this.#difference(touched);
  }

  apply(changes: readonly Change<T>[]): Batch<T> {
    const touched = new Map<string, T | undefined>();
    for (const { type, object } of changes) {
      const key = keyOf(object);
      const version = object.metadata.resourceVersion;
      const known = this.#versions.get(key) ?? this.#tombstones.get(key) ?? this.#floor;
      // It has been told already, or is older than what has.
      if (known !== '' && newerVersion(known, version) === known) continue;
      this.#newest = newerVersion(this.#newest, version);
      if (type === 'DELETED') {
        this.#versions.delete(key);
        this.#bury(key, version);
        this.#remove(key, touched);
      } else {
        this.#tombstones.delete(key);
        this.#versions.set(key, version);
        this.#set(key, object, touched);
      }
    }
    return this.#difference(touched);
  }

  #set(key: string, object: T, touched: Map<string, T | undefined>): void {
    this.#touch(key, touched);
    const kept = this.keep(object);
    if (kept === undefined) this.objects.delete(key);
    else this.objects.set(key, kept);
  }

  #remove(key: string, touched: Map<string, T | undefined>): void {
    this.#touch(key, touched);
    this.objects.delete(key);
  }

  #touch(key: string, touched: Map<string, T | undefined>): void {
    if (!touched.has(key)) touched.set(key, this.objects.get(key));
  }

  #bury(key: string, version: string | undefined): void {
    this.#tombstones.delete(key);
    this.#tombstones.set(key, version);
    if (this.#tombstones.size <= maxTombstones) return;
    const [oldest] = this.#tombstones.keys();
    if (oldest !== undefined) this.#tombstones.delete(oldest);
  }

  #difference(touched: ReadonlyMap<string, T | undefined>): Batch<T> {
    const changed: T[] = [];
    const removed: T[] = [];
    for (const [key, before] of touched) {
      const now = this.objects.get(key);
      if (now !== undefined) changed.push(now);
      else if (before !== undefined) removed.push(before);
    }
    return { changed, removed };
  }
}
