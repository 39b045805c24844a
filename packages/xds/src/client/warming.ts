import type { Clock, MeshResources, Timer } from '@inmesh/core';
import type { ResourceError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import type { ResourceKind } from '../resources/type-urls.js';
import { AbsenceTimers } from './absence-timers.js';
import { applyResponse } from './apply-response.js';
import { assemble, isSameConfiguration } from './assemble.js';
import type { ReceivedResponse } from './protocol.js';
import { type References, referencesOf } from './references.js';
import { createResourceStore, type ReadResource, type ResourceStore } from './resource-store.js';

const referredKinds = ['route', 'cluster', 'endpoint'] as const;

type ReferredKind = (typeof referredKinds)[number];

/** Holds what has arrived, whatever becomes of streams, and publishes it as soon and as far as it is warm. */
export class Warming {
  readonly store: ResourceStore = createResourceStore();
  #references: References = { route: new Set(), cluster: new Set(), endpoint: new Set() };
  #published: MeshResources | undefined;
  #publication: Timer | undefined;
  readonly #timers: Readonly<Record<ReferredKind, AbsenceTimers>>;

  constructor(
    private readonly clock: Clock,
    private readonly onResources: (resources: MeshResources) => void,
    /** The names to ask for may be different now. */
    private readonly onNames: () => void,
  ) {
    const timersOf = (kind: ReferredKind) => new AbsenceTimers(clock, (names) => this.#giveUp(kind, names));
    this.#timers = { route: timersOf('route'), cluster: timersOf('cluster'), endpoint: timersOf('endpoint') };
  }

  /** The names to ask for: routes and endpoints that others refer to. The same object as long as they do not change. */
  names(kind: 'route' | 'endpoint'): ReadonlySet<string> {
    return this.#references[kind];
  }

  /** Returns what is wrong with a response; the rest of it is used. */
  apply<Kind extends ResourceKind>(
    kind: Kind,
    response: Pick<ReceivedResponse, 'version' | 'removed' | 'isWhole'>,
    read: readonly ReadResource<DecodedResources[Kind]>[],
  ): ResourceError[] {
    const asked: { readonly [Asked in ResourceKind]?: ReadonlySet<string> } = this.#references;
    const errors = applyResponse(kind, response, read, this.store[kind], (name) => asked[kind]?.has(name) ?? false);
    // Endpoints refer to nothing, and change most often.
    if (kind !== 'endpoint') this.#refer();
    this.#changed();
    return errors;
  }

  connected(): void {
    for (const kind of referredKinds) this.#timers[kind].start();
  }

  disconnected(): void {
    for (const kind of referredKinds) this.#timers[kind].stop();
  }

  close(): void {
    this.disconnected();
    this.#publication?.cancel();
  }

  #giveUp(kind: ReferredKind, names: readonly string[]): void {
    for (const name of names) this.store[kind].markMissing(name);
    this.#changed();
  }

  /** Works out anew what is needed, asks for it, and forgets the rest. */
  #refer(): void {
    const { route, cluster, endpoint } = referencesOf(this.store, this.#published);
    const before = this.#references;
    this.#references = {
      route: keepSame(before.route, route),
      cluster,
      endpoint: keepSame(before.endpoint, endpoint),
    };
    this.store.route.forget((name) => !route.has(name));
    this.store.endpoint.forget((name) => !endpoint.has(name));
    this.store.cluster.forget((name, { kind }) => kind === 'missing' && !cluster.has(name));
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
      const unknown = new Set<string>();
      for (const name of this.#references[kind]) if (this.store[kind].get(name) === undefined) unknown.add(name);
      this.#timers[kind].await(unknown);
    }
  }

  #publish(): void {
    this.#publication = undefined;
    const next = assemble(this.store, this.#published);
    if (next === undefined || (this.#published && isSameConfiguration(next, this.#published))) return;
    this.#published = next;
    // What was needed only because it was in use can go now.
    this.#refer();
    this.#awaitUnknown();
    this.onResources(next);
  }
}

function keepSame(before: ReadonlySet<string>, now: ReadonlySet<string>): ReadonlySet<string> {
  if (before.size !== now.size) return now;
  for (const name of now) if (!before.has(name)) return now;
  return before;
}
