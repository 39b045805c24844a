import type { ResourceProblem } from '@inmesh/core';
import { type FieldError, formatFieldErrors } from '../resources/decode-result.js';
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
      /** As they came; only where the store keeps them. */
      readonly bytes: Uint8Array | undefined;
    }
  /** Delivered, and not in a version that could be used. */
  | { readonly kind: 'rejected' }
  /** Asked for and not delivered in time, or said to be gone: it counts as not existing until it comes. */
  | { readonly kind: 'missing' };

/** One resource of a response, as it was read. `name` is empty where it could not be told. */
export interface ReadResource<Value> {
  readonly name: string;
  readonly outcome:
    | {
        readonly ok: true;
        readonly value: Value;
        readonly digest: string;
        readonly version: string;
        readonly bytes?: Uint8Array | undefined;
      }
    | { readonly ok: false; readonly errors: readonly FieldError[] };
}

/** What becomes of the last good version of a resource of which a newer one cannot be used (gRFC A88). */
export type OnBadVersion = 'keep last good' | 'drop';

/** A server that sends nothing but thousands of characters of errors fills no memory with them. */
const maxReasonLength = 500;

/** Nothing but the values under these names, or anything. */
export type StoreChanges = ReadonlySet<string> | 'anything';

/** What the client has of one type. It outlives streams. */
export class KindStore<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #byDigest = new Map<string, Entry<Value> & { kind: 'present' }>();
  readonly #problems = new Map<string, ResourceProblem>();
  #changes: Set<string> | 'anything' = new Set();
  /** Counts up whenever a name comes or goes. */
  namesEpoch = 0;
  /** The version of the last response of which every resource was good. */
  acceptedVersion = '';
  /** Whether what is here is what that version had: not while the good part of a refused response is in use. */
  isExact = false;
  /** Whether any response came, ever. */
  isReceived = false;

  constructor(
    private readonly kind: ResourceKind,
    /** Whether resources are kept as they came too, to be copied. */
    readonly keepsBytes: boolean,
  ) {}

  /** What is wrong, in no order. The same objects as long as it stays the same. */
  get problems(): Iterable<ResourceProblem> {
    return this.#problems.values();
  }

  /** What has changed since this was last called. */
  takeChanges(): StoreChanges {
    const changes = this.#changes;
    this.#changes = new Set();
    return changes;
  }

  get(name: string): Entry<Value> | undefined {
    return this.#entries.get(name);
  }

  valueOf(name: string): Value | undefined {
    const entry = this.#entries.get(name);
    return entry?.kind === 'present' ? entry.value : undefined;
  }

  /** What the same bytes were read to before: kept as the same object, because later stages compare by identity. */
  withDigest(
    digest: string,
  ): { readonly name: string; readonly value: Value; readonly bytes: Uint8Array | undefined } | undefined {
    return this.#byDigest.get(digest);
  }

  *values(): Generator<Value> {
    for (const entry of this.#entries.values()) if (entry.kind === 'present') yield entry.value;
  }

  *present(): Generator<Entry<Value> & { kind: 'present' }> {
    for (const entry of this.#entries.values()) if (entry.kind === 'present') yield entry;
  }

  /** Name and version of all that is present. */
  *versions(): Generator<readonly [string, string]> {
    for (const [name, entry] of this.#entries) if (entry.kind === 'present') yield [name, entry.version];
  }

  /** Another server is listened to from now on, whose versions are others. */
  forgetVersions(): void {
    this.acceptedVersion = '';
    this.isExact = false;
    for (const entry of this.#entries.values()) {
      if (entry.kind !== 'present') continue;
      const unversioned = { ...entry, version: '' };
      this.#entries.set(entry.name, unversioned);
      this.#byDigest.set(entry.digest, unversioned);
    }
  }

  put({ name, outcome }: ReadResource<Value>, onBad: OnBadVersion = 'keep last good'): void {
    if (outcome.ok) {
      const { value, digest, version, bytes } = outcome;
      this.#replace(name, { kind: 'present', name, value, digest, version, bytes });
      return;
    }
    const servesLastGood = this.#entries.get(name)?.kind === 'present' && onBad === 'keep last good';
    if (name !== '' && !servesLastGood) this.#replace(name, { kind: 'rejected' });
    this.#report(name, formatFieldErrors(outcome.errors), servesLastGood);
  }

  markMissing(name: string, reason: string): void {
    if (!this.#entries.has(name)) this.replaceByMissing(name, reason);
  }

  /** The server says that it does not exist. */
  replaceByMissing(name: string, reason: string): void {
    this.#replace(name, { kind: 'missing' });
    this.#report(name, reason, false);
  }

  /** It stays in use, although the server no longer has it (gRFC A53). */
  keepDeleted(name: string): void {
    if (this.#entries.get(name)?.kind === 'present') this.#report(name, 'the server no longer has it', true);
  }

  /** A response came in which every resource tells its name. */
  forgetNameless(): void {
    if (this.#problems.delete('')) this.#changes = 'anything';
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

  /** The names of all that is present, and of what was refused. */
  *delivered(): Generator<string> {
    for (const [name, { kind }] of this.#entries) if (kind !== 'missing') yield name;
  }

  #report(name: string, text: string, servesLastGood: boolean): void {
    const reason = text.length > maxReasonLength ? `${text.slice(0, maxReasonLength)}…` : text;
    const before = this.#problems.get(name);
    if (before?.reason === reason && before.servesLastGood === servesLastGood) return;
    this.#changes = 'anything';
    this.#problems.set(name, Object.freeze({ kind: this.kind, name, reason, servesLastGood }));
  }

  #delete(name: string, entry: Entry<Value>): void {
    this.#entries.delete(name);
    this.#problems.delete(name);
    if (entry.kind === 'present') this.#byDigest.delete(entry.digest);
    this.#changes = 'anything';
    this.namesEpoch += 1;
  }

  #replace(name: string, entry: Entry<Value>): void {
    const before = this.#entries.get(name);
    this.#noteChange(name, before, entry);
    if (before?.kind === 'present') this.#byDigest.delete(before.digest);
    this.#entries.set(name, entry);
    this.#problems.delete(name);
    if (entry.kind === 'present') this.#byDigest.set(entry.digest, entry);
    if (before === undefined) this.namesEpoch += 1;
  }

  #noteChange(name: string, before: Entry<Value> | undefined, now: Entry<Value>): void {
    if (before?.kind !== 'present' || now.kind !== 'present' || this.#problems.has(name)) this.#changes = 'anything';
    else if (before.value !== now.value && this.#changes !== 'anything') this.#changes.add(name);
  }
}

export type ResourceStore = { readonly [Kind in ResourceKind]: KindStore<DecodedResources[Kind]> };

export function createResourceStore({ keepsBytes = false } = {}): ResourceStore {
  return {
    listener: new KindStore('listener', keepsBytes),
    route: new KindStore('route', keepsBytes),
    cluster: new KindStore('cluster', keepsBytes),
    endpoint: new KindStore('endpoint', keepsBytes),
  };
}
