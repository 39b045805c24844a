import type { Clock, MeshResources, Timer } from '@inmesh/core';
import type { ResourceError } from '../resources/decode-result.js';
import { isInboundName } from '../resources/inbound-name.js';
import type { DecodedResources } from '../resources/resource-types.js';
import { type ResourceKind, resourceKinds } from '../resources/type-urls.js';
import { applyResponse } from './apply-response.js';
import { Configurations } from './configurations.js';
import type { Names, ReceivedResponse } from './protocol.js';
import { type References, type ReferredKind, referencesOf, referredKinds } from './references.js';
import { createResourceStore, type ReadResource, type ResourceStore } from './resource-store.js';
import { keepSame, WarmingScope } from './warming-scope.js';

const none: ReadonlySet<string> = new Set();

export interface WarmingOptions {
  /** Whether listeners and clusters are asked for by name. Default: all that there are. */
  readonly isNamed?: boolean;
  readonly keepsBytes?: boolean;
  /** Whether what comes in is awaited from a server that says nothing of listeners, instead of given up. Default false. */
  readonly awaitsInbound?: boolean;
}

/** When something may be done again that took from then to then: much work must leave most of the time to calls. */
function notBefore(from: number, to: number): number {
  return to - from < 1 ? 0 : to + 4 * (to - from);
}

interface UnknownNames {
  readonly of: ReadonlySet<string>;
  readonly namesEpoch: number;
  readonly unknown: ReadonlySet<string>;
}

/** Holds what has arrived, whatever becomes of streams, and publishes it as soon and as far as it is warm. */
export class Warming {
  readonly store: ResourceStore;
  #references: References = { listener: none, route: none, cluster: none, endpoint: none };
  #listeners = none;
  #published: MeshResources | undefined;
  #publication: Timer | undefined;
  #notBefore = 0;
  #referNotBefore = 0;
  /** Whether something has come that the references do not tell of yet. */
  #isReferenceNew = false;
  readonly #configurations: Configurations;
  readonly #isNamed: boolean;
  readonly #awaitsInbound: boolean;
  readonly #scopes: WarmingScope[] = [];
  /** Of the names referred to, those of which nothing is known, as long as neither changes. */
  readonly #unknownNames: Partial<Record<ReferredKind, UnknownNames>> = {};

  constructor(
    private readonly clock: Clock,
    private readonly onResources: (resources: MeshResources) => void,
    /** The names to ask for may be different now. */
    private readonly onNames: () => void,
    { keepsBytes = false, isNamed = false, awaitsInbound = false }: WarmingOptions = {},
  ) {
    this.store = createResourceStore({ keepsBytes });
    this.#configurations = new Configurations(this.store);
    this.#isNamed = isNamed;
    this.#awaitsInbound = awaitsInbound;
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
    // Before anything is called there is no configuration until a server is there: a copy of one may be found first.
    if (!this.isUnwanted || this.#published !== undefined) this.#changed();
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
    if (kind !== 'endpoint') this.#referAtTimes();
    this.#changed();
    return errors;
  }

  /** Where nothing is asked for yet, that is the configuration. */
  connected(): void {
    if (this.#isNamed && this.#published === undefined) this.#changed();
  }

  /** These names have not come for too long. `isSilent`: no listener has, and none was said to be absent. */
  giveUp(
    kind: ReferredKind,
    names: readonly string[],
    { reason, isSilent }: { readonly reason: string; readonly isSilent: boolean },
  ): void {
    for (const name of names) {
      // A server that hangs must not open what policies may have closed. It is awaited as long once more.
      const isAwaited = this.#awaitsInbound && isSilent && kind === 'listener' && isInboundName(name);
      if (!isAwaited) this.store[kind].markMissing(name, reason);
    }
    this.#changed();
  }

  get isPublished(): boolean {
    return this.#published !== undefined;
  }

  /** Whether listeners are asked for by name, and none of a host is yet. */
  get isUnwanted(): boolean {
    return this.#isNamed && [...this.#listeners].every(isInboundName);
  }

  /** Whether anything that was asked for is not known yet, not even that it does not exist. */
  get isAwaiting(): boolean {
    return this.awaits(() => true);
  }

  /** The same, of the names that fit. */
  awaits(fits: (name: string) => boolean): boolean {
    if (!this.store.listener.isReceived || !this.store.cluster.isReceived) return true;
    if (this.#isReferenceNew) this.#refer();
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

  /** At once, or with the next publication while that would take most of the time: some servers send one by one. */
  #referAtTimes(): void {
    const from = this.clock.now();
    this.#isReferenceNew = true;
    if (from < this.#referNotBefore) return;
    this.#refer();
    this.#referNotBefore = notBefore(from, this.clock.now());
  }

  /** Works out anew what is needed, asks for it, and forgets the rest. */
  #refer(): void {
    this.#isReferenceNew = false;
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
    // Several responses that are there at once make one publication.
    const waitMs = Math.max(0, this.#notBefore - this.clock.now());
    this.#publication ??= this.clock.setTimer(waitMs, () => this.#publishAtTimes());
  }

  /** What takes long must not be done again for each of many changes: most of the time is left to calls. */
  #publishAtTimes(): void {
    const from = this.clock.now();
    this.#publish();
    this.#notBefore = notBefore(from, this.clock.now());
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

  #unknown(kind: ReferredKind): ReadonlySet<string> {
    const names = this.#references[kind];
    const { namesEpoch } = this.store[kind];
    const known = this.#unknownNames[kind];
    if (known?.of === names && known.namesEpoch === namesEpoch) return known.unknown;
    const unknown = new Set<string>();
    for (const name of names) if (this.store[kind].get(name) === undefined) unknown.add(name);
    this.#unknownNames[kind] = { of: names, namesEpoch, unknown };
    return unknown;
  }

  #publish(): void {
    this.#publication = undefined;
    if (this.#isReferenceNew) this.#refer();
    this.#awaitUnknown();
    const next = this.#configurations.next(this.#published);
    if (next === undefined) return;
    this.#published = next.resources;
    this.onResources(next.resources);
    if (!next.isReferringElsewhere) return;
    // What was needed only because it was in use can go, in a turn of the event loop of its own.
    this.#isReferenceNew = true;
    this.#changed();
  }
}
