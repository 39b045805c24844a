import { findResource } from './on-demand.js';
import { changedNames } from './type-changes.js';
import type { VersionedResource, VersionedType } from './versioned-snapshot.js';

export interface SubscriptionDiff {
  /** Subscribed, and not what the client was sent last. */
  readonly updated: readonly VersionedResource[];
  /** Subscribed, not there, and the client was not told so yet: it has them, or has just asked for them. */
  readonly removed: readonly string[];
}

export interface SubscriptionChange {
  readonly subscribed: readonly string[];
  readonly unsubscribed: readonly string[];
  /** Whether it is the first of its type on its stream. */
  readonly isFirst: boolean;
}

/** What a client has under a name: a version, with the resource where it was sent on this stream. */
type Held =
  | { readonly kind: 'version'; readonly version: string; readonly resource?: VersionedResource }
  /** It knows that there is nothing of the name. */
  | { readonly kind: 'nothing' }
  /** It wants to be told, whatever it has, if it has something. */
  | { readonly kind: 'unknown'; readonly hasSome: boolean };

const nothing: Held = { kind: 'nothing' };
const unknown: Held = { kind: 'unknown', hasSome: false };
const outdated: Held = { kind: 'unknown', hasSome: true };

/**
 * What one client wants of one type, and what it has of it. Knows nothing of nonces and of how responses are written:
 * state-of-the-world and incremental streams share it. What a client has is the state that it was brought to last, but for
 * the names that are open: so a stream costs no memory per resource under wildcard, and a change costs what changed.
 */
export class Subscription {
  readonly #names = new Set<string>();
  #wildcard = false;
  #everNamed = false;
  /** The client has what is wanted of it, but for what is open. Undefined before the first look at a state. */
  #base: VersionedType | undefined;
  readonly #open = new Map<string, Held>();
  /** Every name is to be told, once there is a state to tell. */
  #isAllOpen = false;

  /** @param allowsWildcard whether «everything» can be subscribed to: listeners and clusters only */
  constructor(private readonly allowsWildcard: boolean) {}

  get isWildcard(): boolean {
    return this.#wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Whether what is wanted is all that a state lists, so that its version says it all. */
  isAllOf({ resources }: VersionedType): boolean {
    return this.#wildcard && [...this.#names].every((name) => resources.has(name));
  }

  wants(name: string): boolean {
    return this.#wildcard || this.#names.has(name);
  }

  /**
   * Replaces what is subscribed. Everything is wanted by `*`, or by never having named anything; an empty list after some
   * name unsubscribes all (xds_protocol.rst «How the client specifies what resources to return»).
   * @returns whether everything is wanted now and was not before
   */
  setNames(names: readonly string[]): boolean {
    const wanted = new Set(names);
    if (wanted.size > 0) this.#everNamed = true;
    const beginsWildcard = this.#setWildcard(this.allowsWildcard && (wanted.has('*') || !this.#everNamed));
    if (this.allowsWildcard) wanted.delete('*');
    for (const name of this.#names) {
      if (wanted.has(name)) continue;
      this.#drop(name);
      // What was made on demand is no part of everything: only the next whole state can take it away.
      if (this.#base?.resources.has(name) === false) this.refresh(name);
    }
    // Whoever names a resource again may have dropped it meanwhile, so it is sent again, changed or not.
    for (const name of wanted) if (!this.#names.has(name)) this.#add(name);
    return beginsWildcard;
  }

  /**
   * Adds to and takes from what is subscribed. The first change that names nothing asks for everything, until `*` is taken
   * back. Whatever is named is told of anew, and so is what is unsubscribed and still wanted under wildcard.
   * @returns whether everything is to be told
   */
  change({ subscribed, unsubscribed, isFirst }: SubscriptionChange): boolean {
    const isStar = (name: string) => this.allowsWildcard && name === '*';
    const hasStar = subscribed.some(isStar);
    const isImplicit = this.allowsWildcard && isFirst && subscribed.length === 0;
    if (hasStar) this.#isAllOpen = true;
    if (hasStar || isImplicit) this.#setWildcard(true);
    for (const name of subscribed) if (!isStar(name)) this.#add(name);
    if (unsubscribed.some(isStar)) this.#setWildcard(false);
    for (const name of unsubscribed) {
      if (isStar(name)) continue;
      this.#drop(name);
      // The client may have dropped what it still is to have.
      this.refresh(name);
    }
    return this.#wildcard && (hasStar || isImplicit);
  }

  /** The client says what it has from an earlier stream; names that it does not want are passed over. */
  claim(versions: Readonly<Record<string, string>>): void {
    for (const [name, version] of Object.entries(versions)) {
      if (this.wants(name)) this.#open.set(name, { kind: 'version', version });
    }
  }

  /** The client has all of a state, from an earlier stream. */
  claimAll(type: VersionedType): void {
    this.#base = type;
    this.#open.clear();
    this.#isAllOpen = false;
  }

  /** The client needs it again, although it has it. */
  refresh(name: string): void {
    if (this.wants(name)) this.#open.set(name, this.has(name) ? outdated : unknown);
  }

  /** Whether the client has been told of the name since it subscribed to it, be it of what is no more. */
  has(name: string): boolean {
    const held = this.#open.get(name);
    return this.wants(name) && !this.#isAllOpen && (held?.kind !== 'unknown' || held.hasSome);
  }

  /** Names that do not exist stay subscribed: they show up here once they do. */
  diff(type: VersionedType): SubscriptionDiff {
    this.#moveTo(type);
    const updated: VersionedResource[] = [];
    const removed: string[] = [];
    for (const [name, held] of this.#open) {
      const resource = this.#find(type, name);
      if (resource === undefined ? held.kind === 'nothing' : isHeld(held, resource)) this.#open.delete(name);
      else if (resource === undefined) removed.push(name);
      else updated.push(resource);
    }
    return { updated, removed };
  }

  /** All resources that exist and are subscribed. */
  wanted(type: VersionedType): VersionedResource[] {
    const { resources, onDemand } = type;
    if (!this.#wildcard) return [...this.#names].flatMap((name) => findResource(type, name) ?? []);
    if (onDemand === undefined) return [...resources.values()];
    const unlisted = [...this.#names].filter((name) => !resources.has(name));
    return [...resources.values(), ...unlisted.flatMap((name) => onDemand.get(name) ?? [])];
  }

  /** Those of the names that the client was sent on this stream and has still. */
  held(names: readonly string[]): VersionedResource[] {
    return names.flatMap((name) => {
      const held = this.#open.get(name);
      return held?.kind === 'version' && held.resource !== undefined ? [held.resource] : [];
    });
  }

  /** Whether the client has been told of the name as it is in the state that was looked at last. */
  isSettled(name: string): boolean {
    return !this.#isAllOpen && !this.#open.has(name);
  }

  /** The client has been told of these as they are in the state that was looked at last. */
  settle(names: Iterable<string>): void {
    for (const name of names) this.#open.delete(name);
  }

  /** Opens what is different in a state from what the client was brought to. */
  #moveTo(type: VersionedType): void {
    const base = this.#base;
    this.#base = type;
    if (this.#isAllOpen) this.#openAll(base, type);
    if (base === undefined || base === type) return;
    for (const name of this.#maybeChanged(base, type)) {
      if (!this.wants(name) || this.#open.has(name)) continue;
      const resource = this.#find(base, name);
      this.#open.set(name, resource === undefined ? nothing : { kind: 'version', version: resource.version, resource });
    }
  }

  #maybeChanged(base: VersionedType, type: VersionedType): Iterable<string> {
    const changed = changedNames(base, type);
    // What is made on demand is in no list of changes.
    if (base.onDemand !== type.onDemand) return this.#wildcard ? new Set([...changed, ...this.#names]) : this.#names;
    return !this.#wildcard && this.#names.size < changed.length ? this.#names : changed;
  }

  /** Under wildcard too, what is made on demand is for those alone that name it. */
  #find(type: VersionedType, name: string): VersionedResource | undefined {
    return this.#names.has(name) ? findResource(type, name) : type.resources.get(name);
  }

  /** What the client claims to have stays claimed. */
  #openAll(base: VersionedType | undefined, type: VersionedType): void {
    this.#isAllOpen = false;
    for (const { resources } of base === undefined ? [type] : [base, type]) {
      for (const name of resources.keys()) if (!this.#open.has(name)) this.#open.set(name, unknown);
    }
  }

  /** @returns whether everything is wanted now and was not before */
  #setWildcard(wildcard: boolean): boolean {
    const begins = wildcard && !this.#wildcard;
    this.#wildcard = wildcard;
    if (begins) this.#isAllOpen = true;
    if (!wildcard) {
      this.#isAllOpen = false;
      for (const name of this.#open.keys()) if (!this.#names.has(name)) this.#open.delete(name);
    }
    return begins;
  }

  #add(name: string): void {
    this.#names.add(name);
    this.#open.set(name, unknown);
  }

  #drop(name: string): void {
    this.#names.delete(name);
    if (!this.#wildcard) this.#open.delete(name);
  }
}

function isHeld(held: Held, { version }: VersionedResource): boolean {
  return held.kind === 'version' && held.version === version;
}
