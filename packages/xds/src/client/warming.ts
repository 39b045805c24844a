import type { Clock, MeshResources, Timer } from '@inmesh/core';
import type { ResourceError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import { type ResourceKind, resourceKinds } from '../resources/type-urls.js';
import { applyResponse } from './apply-response.js';
import { assemble, hasSameReferences, isSameConfiguration } from './assemble.js';
import type { Names, ReceivedResponse } from './protocol.js';
import { type References, type ReferredKind, referencesOf, referredKinds } from './references.js';
import { createResourceStore, type ReadResource, type ResourceStore } from './resource-store.js';
import { keepSame, WarmingScope } from './warming-scope.js';

const none: ReadonlySet<string> = new Set();

export interface WarmingOptions {
  /** Whether listeners and clusters are asked for by name. Default: all that there are. */
  readonly isNamed?: boolean;
  readonly keepsBytes?: boolean;
}

/** Holds what has arrived, whatever becomes of streams, and publishes it as soon and as far as it is warm. */
export class Warming {
  readonly store: ResourceStore;
  #references: References = { listener: none, route: none, cluster: none, endpoint: none };
  #listeners = none;
  #published: MeshResources | undefined;
  #publication: Timer | undefined;
  readonly #isNamed: boolean;
  readonly #scopes: WarmingScope[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly onResources: (resources: MeshResources) => void,
    /** The names to ask for may be different now. */
    private readonly onNames: () => void,
    { keepsBytes = false, isNamed = false }: WarmingOptions = {},
  ) {
    this.store = createResourceStore({ keepsBytes });
    this.#isNamed = isNamed;
    // Nothing is a whole configuration until something is called.
    this.store.listener.isReceived = isNamed;
    this.store.cluster.isReceived = isNamed;
  }

  /** For each list of servers one. */
  createScope(owns: (name: string) => boolean): WarmingScope {
    const scope = new WarmingScope(this, this.clock, owns);
    this.#scopes.push(scope);
    return scope;
  }

  /** The names of the listeners that are wanted, where they are asked for by name. */
  subscribe(listeners: ReadonlySet<string>): void {
    this.#listeners = listeners;
    this.#refer();
    this.#changed();
  }

  /**
   * A configuration from elsewhere, for as long as there is none of a server. Nothing of it counts as received, so that it
   * is asked for as without it.
   */
  useInstead(resources: MeshResources): boolean {
    if (this.#published !== undefined) return false;
    this.#published = resources;
    this.#refer();
    this.#awaitUnknown();
    this.onResources(resources);
    return true;
  }

  /** What to ask for. The same object as long as the names do not change. */
  names(kind: ResourceKind): Names {
    return this.#isAsked(kind) ? this.#references[kind] : 'all';
  }

  /** Returns what is wrong with a response; the rest of it is used. */
  apply<Kind extends ResourceKind>(
    kind: Kind,
    response: Pick<ReceivedResponse, 'version' | 'removed' | 'isWhole'>,
    read: readonly ReadResource<DecodedResources[Kind]>[],
    { owns, features }: WarmingScope,
  ): ResourceError[] {
    const names = this.#references[kind];
    const isWanted = this.#isAsked(kind) ? (name: string) => names.has(name) && owns(name) : undefined;
    const errors = applyResponse(kind, response, read, this.store[kind], isWanted, features);
    // Endpoints refer to nothing, and change most often.
    if (kind !== 'endpoint') this.#refer();
    this.#changed();
    return errors;
  }

  /** Where nothing is asked for yet, that is the configuration. */
  connected(): void {
    if (this.#isNamed && this.#published === undefined) this.#changed();
  }

  /** These names have not come for too long. */
  giveUp(kind: ReferredKind, names: readonly string[], reason: string): void {
    for (const name of names) this.store[kind].markMissing(name, reason);
    this.#changed();
  }

  get isPublished(): boolean {
    return this.#published !== undefined;
  }

  /** Whether listeners are asked for by name, and none is yet. */
  get isUnwanted(): boolean {
    return this.#isNamed && this.#listeners.size === 0;
  }

  /** Whether anything that was asked for is not known yet, not even that it does not exist. */
  get isAwaiting(): boolean {
    return this.awaits(() => true);
  }

  /** The same, of the names that fit. */
  awaits(fits: (name: string) => boolean): boolean {
    if (!this.store.listener.isReceived || !this.store.cluster.isReceived) return true;
    return referredKinds.some((kind) => [...this.#unknown(kind)].some(fits));
  }

  /** Another server is listened to from now on. */
  forgetVersions(): void {
    for (const kind of resourceKinds) this.store[kind].forgetVersions();
  }

  close(): void {
    for (const scope of this.#scopes) scope.disconnected();
    this.#publication?.cancel();
  }

  #isAsked(kind: ResourceKind): boolean {
    return this.#isNamed || kind === 'route' || kind === 'endpoint';
  }

  /** Works out anew what is needed, asks for it, and forgets the rest. */
  #refer(): void {
    const { listener, route, cluster, endpoint } = referencesOf(this.store, this.#published, this.#listeners);
    const before = this.#references;
    this.#references = {
      listener,
      route: keepSame(before.route, route),
      cluster: keepSame(before.cluster, cluster),
      endpoint: keepSame(before.endpoint, endpoint),
    };
    this.store.route.forget((name) => !route.has(name));
    this.store.endpoint.forget((name) => !endpoint.has(name));
    this.store.cluster.forget((name, { kind }) => (this.#isNamed || kind === 'missing') && !cluster.has(name));
    if (this.#isNamed) this.store.listener.forget((name) => !listener.has(name));
    this.onNames();
  }

  #changed(): void {
    this.#awaitUnknown();
    // Several responses that are there at once make one publication.
    this.#publication ??= this.clock.setTimer(0, () => this.#publish());
  }

  #awaitUnknown(): void {
    for (const kind of referredKinds) {
      // Before the first response it is the whole list of clusters that is missing, not one of them.
      if (kind === 'cluster' && !this.store.cluster.isReceived) continue;
      const unknown = this.#unknown(kind);
      for (const scope of this.#scopes) scope.await(kind, unknown);
      this.#giveUpUnowned(kind, unknown);
    }
  }

  /** Of an authority that the bootstrap does not have: nobody could be asked. */
  #giveUpUnowned(kind: ReferredKind, unknown: ReadonlySet<string>): void {
    for (const name of unknown) {
      if (this.#scopes.some(({ owns }) => owns(name))) continue;
      this.store[kind].markMissing(name, 'the bootstrap names no server for its authority');
    }
  }

  #unknown(kind: ReferredKind): Set<string> {
    const unknown = new Set<string>();
    for (const name of this.#references[kind]) if (this.store[kind].get(name) === undefined) unknown.add(name);
    return unknown;
  }

  #publish(): void {
    this.#publication = undefined;
    const next = assemble(this.store, this.#published);
    const before = this.#published;
    if (next === undefined || (before && isSameConfiguration(next, before))) return;
    this.#published = next;
    // What was needed only because it was in use can go now.
    if (before === undefined || !hasSameReferences(next, before)) this.#refer();
    this.#awaitUnknown();
    this.onResources(next);
    if (this.#isNamed) this.#changed();
  }
}
