import type { KubernetesObject } from '../../../src/kubernetes/client/objects.js';

export interface StoredEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly collection: string;
  readonly revision: number;
  readonly object: KubernetesObject;
}

/** What etcd is to the API server: objects by collection path, one revision for all, and a history that can be compacted. */
export class StoredObjects {
  revision = 1000;
  /** Everything up to here is forgotten. */
  compacted = 0;
  readonly history: StoredEvent[] = [];
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  readonly #listeners = new Set<(event: StoredEvent) => void>();

  /** @param collection `/api/v1/services`, without a namespace */
  list(collection: string): KubernetesObject[] {
    return [...(this.#objects.get(collection)?.values() ?? [])];
  }

  get(collection: string, key: string): KubernetesObject | undefined {
    return this.#objects.get(collection)?.get(key);
  }

  set(collection: string, key: string, object: KubernetesObject): KubernetesObject {
    const of = this.#objects.get(collection) ?? new Map<string, KubernetesObject>();
    this.#objects.set(collection, of);
    const before = of.get(key);
    this.revision += 1;
    const metadata = {
      ...object.metadata,
      uid: before?.metadata.uid ?? `uid-${this.revision}`,
      resourceVersion: String(this.revision),
    };
    const stored = { ...object, metadata };
    of.set(key, stored);
    this.#tell({ type: before ? 'MODIFIED' : 'ADDED', collection, revision: this.revision, object: stored });
    return stored;
  }

  delete(collection: string, key: string): KubernetesObject | undefined {
    const before = this.#objects.get(collection)?.get(key);
    if (before === undefined) return undefined;
    this.#objects.get(collection)?.delete(key);
    this.revision += 1;
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.revision) } };
    this.#tell({ type: 'DELETED', collection, revision: this.revision, object });
    return before;
  }

  reset(): void {
    this.revision = 1000;
    this.compacted = 0;
    this.history.length = 0;
    this.#objects.clear();
  }

  compact(): void {
    this.compacted = this.revision;
    this.history.length = 0;
  }

  onEvent(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: StoredEvent): void {
    this.history.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }
}
