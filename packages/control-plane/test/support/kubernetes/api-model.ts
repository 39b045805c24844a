import type { KubernetesObject } from '../../../src/kubernetes/client/objects.js';
import type { Transport, TransportAnswer, TransportRequest } from '../../../src/kubernetes/client/transport.js';
import { ByteStream, onePiece } from './byte-stream.js';
import { type StoredEvent, StoredObjects } from './stored-objects.js';

interface Place {
  /** Without a namespace. */
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

interface OpenWatch {
  readonly stream: ByteStream;
  readonly place: Place;
  readonly query: URLSearchParams;
  /** A watch from what is yet to come is silent until it has. */
  readonly from: number;
}

type Answer = TransportAnswer | undefined;

/**
 * The parts of a Kubernetes API server that a client sees, after its API conventions: lists in pages at one revision, watches
 * from a revision with bookmarks, 410 for what is compacted, optimistic concurrency by resourceVersion. What tests break is
 * broken from outside.
 */
export class ApiModel implements Transport {
  readonly stored = new StoredObjects();
  readonly requests: TransportRequest[] = [];
  isDown = false;
  /** Whether a watch from a compacted revision is told by an event, as a newer API server does, or by the status. */
  goneAsEvent = false;
  pageSize = Number.POSITIVE_INFINITY;
  /** Asked before anything else. */
  intercept: (request: TransportRequest) => Answer | Promise<Answer> = () => undefined;
  forgotten = 0;
  readonly #watches = new Set<OpenWatch>();
  readonly #pages = new Map<string, { readonly revision: number; readonly rest: readonly KubernetesObject[] }>();
  readonly #absent = new Set<string>();

  constructor() {
    this.stored.onEvent((event) => {
      for (const watch of this.#watches) if (event.revision > watch.from) this.#send(watch, event);
    });
  }

  get openWatches(): number {
    return [...this.#watches].filter(({ stream }) => stream.isOpen).length;
  }

  async send(request: TransportRequest): Promise<TransportAnswer> {
    this.requests.push(request);
    if (this.isDown) throw new Error('connect ECONNREFUSED');
    const intercepted = await this.intercept(request);
    if (intercepted !== undefined) return intercepted;
    if (request.signal.aborted) throw new Error('This operation was aborted');
    const url = new URL(request.path, 'http://model');
    const place = placeOf(url.pathname);
    if (place === undefined) return this.#discover(url.pathname);
    if (this.#absent.has(place.collection))
      return { status: 404, retryAfter: undefined, body: onePiece('404 page not found\n') };
    if (request.method !== 'GET') return this.#write(request, place);
    if (place.name !== undefined) return this.#read(place);
    return url.searchParams.has('watch') ? this.#watch(request, place, url) : this.#list(place, url.searchParams);
  }

  forgetCredentials(): void {
    this.forgotten += 1;
  }

  async close(): Promise<void> {}

  /** Ends each watch: in order, as a cut of the connection, or with half an event before it. */
  cut(how: 'end' | 'cut' | 'half' = 'cut'): void {
    for (const { stream } of this.#watches) {
      if (how === 'half') stream.write('{"type":"MODIFIED","object":{"kind":"Serv');
      if (how === 'end') stream.end();
      else stream.cut();
    }
    this.#watches.clear();
  }

  /** Of etcd, from a backup in which there was nothing. Revisions begin anew; watches that were there end. */
  restore(write: () => void): void {
    this.cut('end');
    this.stored.reset();
    write();
  }

  silence(): void {
    for (const { stream } of this.#watches) stream.silence();
  }

  bookmark(): void {
    for (const watch of this.#watches) this.#line(watch, 'BOOKMARK', bookmarkOf(this.stored.revision));
  }

  /** The same events once more, in any order; the API server never does this, a proxy before several may. */
  repeat(events: readonly StoredEvent[]): void {
    for (const watch of this.#watches) for (const event of events) this.#send(watch, event);
  }

  raw(line: string): void {
    for (const { stream } of this.#watches) stream.write(line);
  }

  removeType(collection: string): void {
    this.#absent.add(collection);
    this.cut('end');
  }

  addType(collection: string): void {
    this.#absent.delete(collection);
  }

  #discover(path: string): TransportAnswer {
    const collections = [...this.#absent, ...this.known].filter((one) => one.startsWith(`${path}/`));
    const names = collections
      .filter((one) => !this.#absent.has(one))
      .map((one) => ({ name: one.slice(path.length + 1) }));
    if (names.length === 0) return { status: 404, retryAfter: undefined, body: onePiece('404 page not found\n') };
    return answer(200, { kind: 'APIResourceList', resources: names });
  }

  readonly known = new Set<string>();

  #read(place: Place): TransportAnswer {
    const found = this.stored.get(place.collection, keyIn(place));
    return found === undefined ? notFound(place) : answer(200, found);
  }

  #list(place: Place, query: URLSearchParams): TransportAnswer {
    const token = query.get('continue');
    const started = token === null ? undefined : this.#pages.get(token);
    if (token !== null && (started === undefined || started.revision < this.stored.compacted)) {
      return failure(410, 'Expired', 'The provided continue parameter is too old');
    }
    const revision = started?.revision ?? this.stored.revision;
    const all = started?.rest ?? this.stored.list(place.collection).filter((one) => isSelected(one, place, query));
    const limit = Math.min(Number(query.get('limit') ?? Number.POSITIVE_INFINITY), this.pageSize);
    const rest = query.has('limit') ? all.slice(limit) : [];
    const next = rest.length > 0 ? `page-${this.#pages.size}` : '';
    if (next !== '') this.#pages.set(next, { revision, rest });
    const items = query.has('limit') ? all.slice(0, limit) : all;
    return answer(200, { kind: 'List', metadata: { resourceVersion: String(revision), continue: next }, items });
  }

  #watch({ signal }: TransportRequest, place: Place, { searchParams }: URL): TransportAnswer {
    const from = Number(searchParams.get('resourceVersion'));
    const stream = new ByteStream();
    if (from < this.stored.compacted) {
      const gone = statusOf(410, 'Expired', `too old resource version: ${from} (${this.stored.compacted})`);
      if (!this.goneAsEvent) return answer(410, gone);
      stream.write(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
      stream.end();
      return { status: 200, retryAfter: undefined, body: stream };
    }
    const watch: OpenWatch = { stream, place, query: searchParams, from };
    for (const event of this.stored.history) if (event.revision > from) this.#send(watch, event);
    this.#watches.add(watch);
    signal.addEventListener('abort', () => {
      stream.abort();
      this.#watches.delete(watch);
    });
    return { status: 200, retryAfter: undefined, body: stream };
  }

  #write({ method, path, body }: TransportRequest, place: Place): TransportAnswer {
    const { collection } = place;
    const sent = body === undefined ? undefined : (JSON.parse(body) as KubernetesObject);
    if (new URL(path, 'http://model').searchParams.get('dryRun') === 'All') return answer(200, sent ?? {});
    if (method === 'POST') {
      if (sent === undefined) return failure(400, 'BadRequest', 'no object');
      const key = keyIn({ ...place, name: sent.metadata.name });
      if (this.stored.get(collection, key))
        return failure(409, 'AlreadyExists', `${sent.metadata.name} already exists`);
      return answer(201, this.stored.set(collection, key, sent));
    }
    const key = keyIn(place);
    const before = this.stored.get(collection, key);
    if (before === undefined) return notFound(place);
    if (method === 'DELETE') {
      this.stored.delete(collection, key);
      return answer(200, statusOf(200, 'Success', ''));
    }
    const version = sent?.metadata?.resourceVersion;
    if (version !== undefined && version !== before.metadata.resourceVersion) {
      return failure(409, 'Conflict', `the object has been modified; please apply your changes to the latest version`);
    }
    const next = method === 'PUT' ? sent : (merged(before, sent) as KubernetesObject);
    return answer(200, this.stored.set(collection, key, next ?? before));
  }

  #send(watch: OpenWatch, { type, collection, object }: StoredEvent): void {
    if (collection === watch.place.collection && isSelected(object, watch.place, watch.query)) {
      this.#line(watch, type, object);
    }
  }

  #line({ stream }: OpenWatch, type: string, object: object): void {
    stream.write(`${JSON.stringify({ type, object })}\n`);
  }
}

export function answer(status: number, content: object, retryAfter?: string): TransportAnswer {
  return { status, retryAfter, body: onePiece(JSON.stringify(content)) };
}

export function failure(code: number, reason: string, message: string, retryAfter?: string): TransportAnswer {
  return answer(code, statusOf(code, reason, message), retryAfter);
}

export function statusOf(code: number, reason: string, message: string, details?: object): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details };
}

function notFound({ name, collection }: Place): TransportAnswer {
  return answer(404, statusOf(404, 'NotFound', `${name} not found`, { name, kind: collection.split('/').at(-1) }));
}

function bookmarkOf(revision: number): object {
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(revision), creationTimestamp: null },
  };
}

/** `/api/v1/...` and `/apis/GROUP/VERSION/...`; undefined for what names no collection. */
function placeOf(pathname: string): Place | undefined {
  const parts = pathname.split('/').slice(1).map(decodeURIComponent);
  const root = parts.splice(0, parts[0] === 'api' ? 2 : 3);
  if (parts.length === 0) return undefined;
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts.splice(0, 2)[1] : undefined;
  const [plural, name, subresource] = parts;
  return { collection: `/${[...root, plural].join('/')}`, namespace, name, subresource };
}

function keyIn({ namespace, name }: Place): string {
  return namespace === undefined ? (name ?? '') : `${namespace}/${name}`;
}

function isSelected({ metadata }: KubernetesObject, { namespace }: Place, query: URLSearchParams): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  const labels = (query.get('labelSelector') ?? '').split(',').filter((term) => term !== '');
  const fields = (query.get('fieldSelector') ?? '').split(',').filter((term) => term !== '');
  return (
    labels.every((term) => metadata.labels?.[term.split('=')[0] ?? ''] === term.split('=')[1]) &&
    fields.every((term) => !(term.startsWith('metadata.namespace!=') && metadata.namespace === term.split('!=')[1]))
  );
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === 'object' && target !== null ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}
