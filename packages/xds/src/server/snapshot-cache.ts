import type { Node } from '../messages.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { type ServedKind, servedKinds } from '../resources/type-urls.js';
import { type VersionedSnapshot, versionSnapshot } from './versioned-snapshot.js';

/** Told of the types that are different from the snapshot before. */
export type SnapshotWatcher = (changed: ReadonlySet<ServedKind>) => void;

/** Where streams find what they serve. */
export interface SnapshotSource {
  /** For a client that calls itself this node; undefined until there is one. */
  snapshotFor(node: Node | undefined): VersionedSnapshot | undefined;
  /** Tells of changes to any of the snapshots. Returns what ends the watching. */
  watch(watcher: () => void): () => void;
}

/** The configuration that is served right now, to every client. */
export class SnapshotCache implements SnapshotSource {
  #current: VersionedSnapshot | undefined;
  readonly #watchers = new Set<SnapshotWatcher>();

  /** Undefined until the first snapshot is set: requests wait until then. */
  get current(): VersionedSnapshot | undefined {
    return this.#current;
  }

  snapshotFor(): VersionedSnapshot | undefined {
    return this.#current;
  }

  /**
   * Replaces the whole configuration. Nobody is told when nothing changed. Throws when a key is not the name of its
   * resource; then the snapshot before stays.
   */
  setSnapshot(set: ResourceSet): void {
    this.setVersioned(versionSnapshot(set, this.#current));
  }

  setVersioned(next: VersionedSnapshot): void {
    const previous = this.#current;
    this.#current = next;
    const changed = new Set(servedKinds.filter((kind) => next[kind] !== previous?.[kind]));
    if (changed.size === 0) return;
    for (const watcher of [...this.#watchers]) watcher(changed);
  }

  /** Returns what ends the watching. */
  watch(watcher: SnapshotWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
