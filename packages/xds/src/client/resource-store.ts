import type { FieldError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import type { ResourceKind } from '../resources/type-urls.js';

export type Entry<Value> =
  /** The last good version. `version` is empty where the server gave none to the resource itself. */
  | {
      readonly kind: 'present';
      readonly name: string;
      readonly value: Value;
      readonly digest: string;
      readonly version: string;
    }
  /** Delivered, never in a version that could be used. */
  | { readonly kind: 'rejected' }
  /** Asked for and not delivered in time: it counts as not existing until it comes. */
  | { readonly kind: 'missing' };

/** One resource of a response, as it was read. `name` is empty where it could not be told. */
export interface ReadResource<Value> {
  readonly name: string;
  readonly outcome:
    | { readonly ok: true; readonly value: Value; readonly digest: string; readonly version: string }
    | { readonly ok: false; readonly errors: readonly FieldError[] };
}

/** What the client has of one type. It outlives streams. */
export class KindStore<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #byDigest = new Map<string, Entry<Value> & { kind: 'present' }>();
  /** The version of the last response of which every resource was good. */
  acceptedVersion = '';
  /** Whether what is here is what that version had: not while the good part of a refused response is in use. */
  isExact = false;
  /** Whether any response came, ever. */
  isReceived = false;

  get(name: string): Entry<Value> | undefined {
    return this.#entries.get(name);
  }

  valueOf(name: string): Value | undefined {
    const entry = this.#entries.get(name);
    return entry?.kind === 'present' ? entry.value : undefined;
  }

  /** What the same bytes were read to before: kept as the same object, because later stages compare by identity. */
  withDigest(digest: string): { readonly name: string; readonly value: Value } | undefined {
    return this.#byDigest.get(digest);
  }

  *values(): Generator<Value> {
    for (const entry of this.#entries.values()) if (entry.kind === 'present') yield entry.value;
  }

  /** Name and version of all that is present. */
  *versions(): Generator<readonly [string, string]> {
    for (const [name, entry] of this.#entries) if (entry.kind === 'present') yield [name, entry.version];
  }

  put({ name, outcome }: ReadResource<Value>): void {
    if (outcome.ok) {
      const { value, digest, version } = outcome;
      this.#replace(name, { kind: 'present', name, value, digest, version });
    } else if (name !== '' && this.#entries.get(name)?.kind !== 'present') this.#replace(name, { kind: 'rejected' });
  }

  markMissing(name: string): void {
    if (!this.#entries.has(name)) this.#replace(name, { kind: 'missing' });
  }

  /** The server says that it does not exist. */
  replaceByMissing(name: string): void {
    this.#replace(name, { kind: 'missing' });
  }

  /** One that is known to be missing stays so. */
  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined && entry.kind !== 'missing') this.#delete(name, entry);
  }

  /** Drops what the test names. */
  forget(isUnwanted: (name: string, entry: Entry<Value>) => boolean): void {
    for (const [name, entry] of this.#entries) {
      if (isUnwanted(name, entry)) this.#delete(name, entry);
    }
  }

  #delete(name: string, entry: Entry<Value>): void {
    this.#entries.delete(name);
    if (entry.kind === 'present') this.#byDigest.delete(entry.digest);
  }

  #replace(name: string, entry: Entry<Value>): void {
    const before = this.#entries.get(name);
    if (before?.kind === 'present') this.#byDigest.delete(before.digest);
    this.#entries.set(name, entry);
    if (entry.kind === 'present') this.#byDigest.set(entry.digest, entry);
  }
}

export type ResourceStore = { readonly [Kind in ResourceKind]: KindStore<DecodedResources[Kind]> };

export function createResourceStore(): ResourceStore {
  return { listener: new KindStore(), route: new KindStore(), cluster: new KindStore(), endpoint: new KindStore() };
}
