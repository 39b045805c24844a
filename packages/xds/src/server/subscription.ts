import type { VersionedResource, VersionedType } from './versioned-snapshot.js';

export interface SubscriptionDiff {
  /** Subscribed, and not what the client was sent last. */
  readonly updated: readonly VersionedResource[];
  /** Sent to the client, subscribed still, and gone from the snapshot. */
  readonly removed: readonly VersionedResource[];
}

/**
 * What one client wants of one type, and what it was sent. Knows nothing of nonces and of how responses are written, so
 * that state of the world and incremental streams can share it.
 */
export class Subscription {
  #names: ReadonlySet<string> = new Set();
  #wildcard = false;
  #everNamed = false;
  readonly #sent = new Map<string, VersionedResource>();

  /** @param allowsWildcard whether «everything» can be subscribed to: listeners and clusters only */
  constructor(private readonly allowsWildcard: boolean) {}

  get isWildcard(): boolean {
    return this.#wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /**
   * Replaces what is subscribed. Everything is wanted by `*`, or by never having named anything; an empty list after some
   * name unsubscribes all (xds_protocol.rst «How the client specifies what resources to return»).
   * @returns whether something is wanted that was not before
   */
  setNames(names: readonly string[]): boolean {
    if (names.length > 0) this.#everNamed = true;
    const before = { names: this.#names, wildcard: this.#wildcard };
    this.#wildcard = this.allowsWildcard && (names.includes('*') || !this.#everNamed);
    this.#names = new Set(names.filter((name) => name !== '*' || !this.allowsWildcard));
    for (const name of this.#sent.keys()) if (!this.wants(name)) this.#sent.delete(name);
    const added = [...this.#names].filter((name) => !before.names.has(name));
    // Whoever names a resource again may have dropped it meanwhile, so it is sent again, changed or not.
    for (const name of added) this.#sent.delete(name);
    return added.length > 0 || (this.#wildcard && !before.wildcard);
  }

  wants(name: string): boolean {
    return this.#wildcard || this.#names.has(name);
  }

  /** Names that do not exist stay subscribed: they show up here once they do. */
  diff(type: VersionedType): SubscriptionDiff {
    const updated = this.wanted(type).filter(({ name, version }) => this.#sent.get(name)?.version !== version);
    const removed = [...this.#sent.values()].filter(({ name }) => !type.resources.has(name));
    return { updated, removed };
  }

  /** All resources that exist and are subscribed. */
  wanted({ resources }: VersionedType): VersionedResource[] {
    if (this.#wildcard) return [...resources.values()];
    return [...this.#names].flatMap((name) => resources.get(name) ?? []);
  }

  markSent(resources: readonly VersionedResource[]): void {
    for (const resource of resources) this.#sent.set(resource.name, resource);
  }

  /** The client does not have it any more, or needs it again: if it exists, it counts as changed. */
  forget(name: string): void {
    this.#sent.delete(name);
  }
}
