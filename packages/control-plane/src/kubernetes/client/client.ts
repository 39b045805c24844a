import type { Clock, Random } from '@inmesh/core';
import { readPage } from './list-page.js';
import {
  apiVersionOf,
  collectionPath,
  groupPath,
  type KubernetesObject,
  type ObjectName,
  objectPath,
  type ResourceType,
} from './objects.js';
import { isProblem } from './problem.js';
import { type ApiRequest, Requests } from './requests.js';
import type { Transport } from './transport.js';
import { type WatchEvent, watchEvents } from './watch-events.js';

export interface ClientOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Of one attempt of a request; of a watch, until its answer begins. Default 30 s. */
  readonly timeoutMs?: number;
}

/** Which objects of a kind. */
export interface Selection {
  /** Default: all. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of each page of a list. Default: that of the client. */
  readonly timeoutMs?: number | undefined;
}

export interface ObjectList<T extends KubernetesObject> {
  readonly items: readonly T[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

export interface WriteOptions {
  /** Who has set the fields, as `managedFields` shows it. Default `inmesh`. */
  readonly fieldManager?: string;
  /** `status` and the like; default: the object itself. */
  readonly subresource?: string;
  /** All is checked and nothing is kept. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export type Patch =
  /** RFC 7386. */
  | { readonly kind: 'merge'; readonly body: object }
  /** RFC 6902. */
  | { readonly kind: 'json'; readonly body: readonly object[] }
  /** Server-side apply. `force` takes fields from other managers; without it they are a conflict. */
  | { readonly kind: 'apply'; readonly body: object; readonly force?: boolean };

export interface DeleteOptions {
  /** Deletes this very object and no other of its name. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly signal?: AbortSignal | undefined;
}

const pageSize = 500;
const maxRestarts = 3;
const defaultManager = 'inmesh';
const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML, and the only media type that apply is sure to take is this one.
  apply: 'application/apply-patch+yaml',
} as const;

/** A Kubernetes API server, without a line that was generated. Every method throws KubernetesError. */
export class KubernetesClient {
  readonly #requests: Requests;

  constructor(private readonly options: ClientOptions) {
    this.#requests = new Requests(options);
  }

  async get<T extends KubernetesObject>(type: ResourceType, name: ObjectName, signal?: AbortSignal): Promise<T> {
    return await this.#requests.json<T>({ method: 'GET', path: objectPath(type, name), signal });
  }

  /**
   * All of them, read page by page at one moment of the API server. It is the newest moment: no `resourceVersion` is asked
   * for, because with `0` a server that is behind may answer with a past that was left already.
   */
  async list<T extends KubernetesObject>(type: ResourceType, selection: Selection = {}): Promise<ObjectList<T>> {
    for (let restart = 0; ; restart += 1) {
      try {
        // What was compacted between two pages so often is not to be had in pages.
        return await this.#listPages<T>(type, selection, restart < maxRestarts ? pageSize : undefined);
      } catch (error) {
        if (!isProblem(error, 'gone') || restart >= maxRestarts) throw error;
      }
    }
  }

  /** Resolves when the watch has begun. What is read slowly is sent slowly; leaving the loop ends it. */
  async watch<T extends KubernetesObject>(
    type: ResourceType,
    {
      resourceVersion,
      timeoutSeconds,
      ...selection
    }: Selection & { readonly resourceVersion: string; readonly timeoutSeconds: number },
  ): Promise<AsyncIterable<readonly WatchEvent<T>[]>> {
    const { labelSelector, fieldSelector, namespace, signal } = selection;
    const path = collectionPath(type, namespace);
    const query = {
      watch: 1,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds,
      labelSelector,
      fieldSelector,
    };
    return watchEvents<T>(await this.#requests.stream({ method: 'GET', path, query, signal }), `WATCH ${path}`);
  }

  async create<T extends KubernetesObject>(type: ResourceType, object: T, options: WriteOptions = {}): Promise<T> {
    const path = collectionPath(type, object.metadata.namespace);
    return await this.#requests.json<T>({ method: 'POST', path, body: typed(type, object), ...writing(options) });
  }

  /** Its `resourceVersion`, where it has one, is what it replaces: another is a `conflict`. */
  async update<T extends KubernetesObject>(type: ResourceType, object: T, options: WriteOptions = {}): Promise<T> {
    const path = objectPath(type, object.metadata, options.subresource);
    return await this.#requests.json<T>({ method: 'PUT', path, body: typed(type, object), ...writing(options) });
  }

  async patch<T extends KubernetesObject>(
    type: ResourceType,
    name: ObjectName,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    const { query, signal } = writing(options);
    return await this.#requests.json<T>({
      method: 'PATCH',
      path: objectPath(type, name, options.subresource),
      body: patch.kind === 'apply' ? { ...patch.body, apiVersion: apiVersionOf(type), kind: type.kind } : patch.body,
      contentType: patchTypes[patch.kind],
      query: { ...query, ...(patch.kind === 'apply' ? { force: patch.force ?? false } : {}) },
      signal,
    });
  }

  async delete(type: ResourceType, name: ObjectName, { signal, ...body }: DeleteOptions = {}): Promise<void> {
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', ...body };
    await this.#requests.json({ method: 'DELETE', path: objectPath(type, name), body: options, signal });
  }

  /** What is neither a kind of objects nor kept: reviews, `/version`, discovery. */
  async ask<Answer>(request: ApiRequest): Promise<Answer> {
    return await this.#requests.json<Answer>(request);
  }

  /** Whether the API server has this kind, by its discovery, which every service account may read. */
  async serves(type: ResourceType, signal?: AbortSignal): Promise<boolean> {
    try {
      const path = groupPath(type);
      const { resources } = await this.ask<{ resources?: readonly { name?: string }[] }>({
        method: 'GET',
        path,
        signal,
      });
      return resources?.some(({ name }) => name === type.plural) ?? false;
    } catch (error) {
      if (isProblem(error, 'not_found')) return false;
      throw error;
    }
  }

  /** What is under way fails as `unreachable`. */
  async close(): Promise<void> {
    this.#requests.close();
    await this.options.transport.close();
  }

  async #listPages<T extends KubernetesObject>(
    type: ResourceType,
    { namespace, labelSelector, fieldSelector, signal, timeoutMs }: Selection,
    limit: number | undefined,
  ): Promise<ObjectList<T>> {
    const items: T[] = [];
    const path = collectionPath(type, namespace);
    let next: string | undefined;
    for (;;) {
      const query = { labelSelector, fieldSelector, limit, continue: next };
      const request = { method: 'GET', path, query, signal, timeoutMs, isList: true } as const;
      const page = readPage<T>(await this.#requests.json(request), path);
      // A list of a built-in kind says once for all what its items are, and not in each.
      for (const item of page.items ?? []) items.push(typed(type, item));
      next = page.metadata?.continue || undefined;
      if (next === undefined) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
    }
  }
}

function typed<T extends KubernetesObject>(type: ResourceType, object: T): T {
  if (object.apiVersion !== undefined && object.kind !== undefined) return object;
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function writing({ fieldManager = defaultManager, dryRun, signal }: WriteOptions) {
  return { query: { fieldManager, dryRun: dryRun ? 'All' : undefined }, signal };
}
