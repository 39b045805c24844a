import type { Clock, Random } from '@inmesh/core';
import type { Position } from '@inmesh/xds/server';
import type { KubernetesClient } from '../client/client.js';
import type { KubernetesObject, ResourceType } from '../client/objects.js';
import { Feed, type FeedState } from './feed.js';
import { type Batch, ObjectStore } from './object-store.js';
import type { ReflectorProblem } from './reflector-problem.js';
import { defaultTimings, type ReflectorTimings } from './reflector-timings.js';
import { versionNumber } from './resource-version.js';

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly client: Pick<KubernetesClient, 'list' | 'watch' | 'serves'>;
  readonly type: ResourceType;
  readonly clock: Clock;
  readonly random: Random;
  /** Each is listed and watched by itself, so that Roles in them are enough. Default, and when empty: all at once. */
  readonly namespaces?: readonly string[] | undefined;
  /** Of all; the API server leaves them out. */
  readonly excludedNamespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** What is kept of an object; undefined: nothing. Default: all but `managedFields`, which are often half of it. */
  readonly transform?: ((object: T) => T | undefined) | undefined;
  /** Called when `store` has changed. It must not throw. */
  readonly onChange: (batch: Batch<T>) => void;
  /** Called when `problem` is another. */
  readonly onProblem?: ((problem: ReflectorProblem | undefined) => void) | undefined;
  readonly timings?: Partial<ReflectorTimings> | undefined;
}

/**
 * Keeps a copy of all objects of one kind, over cuts, restarts and compactions: it goes on from where it was, and where that
 * is not to be had any more it lists anew and tells the difference. While the API server cannot be reached, what was known
 * stays.
 *
 * It is ours because the informers of `@kubernetes/client-node` (1.4, `cache.js`) stop at the first error and leave it to the
 * caller to begin anew, begin anew without a pause when a watch ends in order, ask for neither bookmarks nor pages, and do
 * not notice a connection that died without a word.
 */
export class Reflector<T extends KubernetesObject> {
  readonly type: ResourceType;
  /**
   * Resolves when all objects are known once; those of a kind that the API server does not have are none. It waits for
   * as long as it takes: `problem` tells why.
   */
  readonly synced: Promise<void>;
  readonly #objects = new Map<string, T>();
  readonly #stores: ObjectStore<T>[] = [];
  readonly #feeds: readonly Feed<T>[];
  readonly #problems = new Map<number, ReflectorProblem>();
  readonly #ended: Promise<unknown>;
  #told: string | undefined;

  constructor(private readonly options: ReflectorOptions<T>) {
    this.type = options.type;
    const ready: Promise<void>[] = [];
    this.#feeds = namespacesOf(options).map((namespace, index) => {
      const { promise, resolve } = whenResolved();
      ready.push(promise);
      return this.#feed(namespace, index, resolve);
    });
    this.synced = Promise.all(ready).then(() => {});
    this.#ended = Promise.all(this.#feeds.map((feed) => feed.run()));
  }

  /** By `NAMESPACE/NAME`, or `NAME` where the kind has no namespaces. */
  get store(): ReadonlyMap<string, T> {
    return this.#objects;
  }

  /** How far it is, on the scale of resourceVersions. */
  get position(): Position {
    const newest = this.#stores.map((store) => versionNumber(store.newest));
    const reached = this.#feeds.map((feed) => versionNumber(feed.reached));
    return { changed: Math.max(...newest), reached: Math.max(...reached) };
  }

  /** Why the store may be behind. Undefined: it is not, as far as is known. */
  get problem(): ReflectorProblem | undefined {
    const [first] = this.#problems.values();
    return first;
  }

  /** One for each namespace that is watched by itself. */
  get states(): readonly FeedState[] {
    return this.#feeds.map(({ state }) => state);
  }

  /** Ends a pause: there is reason to think that it works now, a new CRD say. */
  hurry(): void {
    for (const feed of this.#feeds) feed.hurry();
  }

  /** Nothing is told after it has been called. Resolves when the last request has ended. */
  async close(): Promise<void> {
    for (const feed of this.#feeds) feed.close();
    await this.#ended;
  }

  #feed(namespace: string | undefined, index: number, onSynced: () => void): Feed<T> {
    const { client, type, clock, random, labelSelector, transform = withoutManagedFields, timings } = this.options;
    const store = new ObjectStore<T>(this.#objects, transform);
    this.#stores.push(store);
    return new Feed<T>({
      ...{ client, type, clock, random, namespace, labelSelector, onSynced },
      fieldSelector: fieldSelectorOf(this.options, namespace),
      timings: { ...defaultTimings, ...timings },
      store,
      onBatch: this.options.onChange,
      onProblem: (problem) => this.#setProblem(index, problem),
    });
  }

  #setProblem(index: number, problem: ReflectorProblem | undefined): void {
    if (problem === undefined) this.#problems.delete(index);
    else this.#problems.set(index, problem);
    const now = this.problem;
    const said = now && `${now.kind} ${now.message}`;
    if (said === this.#told) return;
    this.#told = said;
    this.options.onProblem?.(now);
  }
}

function namespacesOf<T extends KubernetesObject>({ type, namespaces = [] }: ReflectorOptions<T>) {
  return type.namespaced && namespaces.length > 0 ? [...new Set(namespaces)] : [undefined];
}

function fieldSelectorOf<T extends KubernetesObject>(
  { type, fieldSelector, excludedNamespaces = [] }: ReflectorOptions<T>,
  namespace: string | undefined,
): string | undefined {
  const excluded = type.namespaced && namespace === undefined ? excludedNamespaces : [];
  const terms = [...(fieldSelector ? [fieldSelector] : []), ...excluded.map((one) => `metadata.namespace!=${one}`)];
  return terms.length > 0 ? terms.join(',') : undefined;
}

function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function whenResolved(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
