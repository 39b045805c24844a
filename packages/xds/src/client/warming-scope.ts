import type { Clock } from '@inmesh/core';
import type { ResourceError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import type { ResourceKind } from '../resources/type-urls.js';
import { AbsenceTimers, absenceTimeoutMs, transientTimeoutMs } from './absence-timers.js';
import type { Names, ReceivedResponse } from './protocol.js';
import { type ReferredKind, referredKinds } from './references.js';
import type { ReadResource, ResourceStore } from './resource-store.js';
import { defaultServerFeatures, type XdsServerFeatures } from './server-config.js';
import type { Warming } from './warming.js';

/**
 * What one list of servers has to do with a configuration: the names that it is asked for, what it says of them, and how
 * long it may take.
 */
export class WarmingScope {
  features: XdsServerFeatures = defaultServerFeatures;
  readonly #warming: Warming;
  readonly #timers: Readonly<Record<ReferredKind, AbsenceTimers>>;
  /** Whether this server has said anything of listeners on this stream. */
  #tellsListeners = false;
  /** By kind, what was asked of all servers and the part of it that is asked here. */
  readonly #names = new Map<ResourceKind, { readonly all: Names; readonly own: Names }>();

  constructor(
    warming: Warming,
    clock: Clock,
    /** Whether these servers are asked for a name. */
    readonly owns: (name: string) => boolean,
  ) {
    this.#warming = warming;
    const timersOf = (kind: ReferredKind) =>
      new AbsenceTimers(clock, (names) =>
        warming.giveUp(kind, names, { reason: this.#absenceReason, isSilent: !this.#tellsListeners }),
      );
    this.#timers = {
      listener: timersOf('listener'),
      route: timersOf('route'),
      cluster: timersOf('cluster'),
      endpoint: timersOf('endpoint'),
    };
  }

  get store(): ResourceStore {
    return this.#warming.store;
  }

  /** The same object as long as the names do not change. */
  names(kind: ResourceKind): Names {
    const all = this.#warming.names(kind);
    const known = this.#names.get(kind);
    if (known?.all === all) return known.own;
    const own = all === 'all' ? all : keepSame(known?.own, new Set([...all].filter(this.owns)));
    this.#names.set(kind, { all, own });
    return own;
  }

  /** Whether these servers are asked for anything. */
  get isNeeded(): boolean {
    return referredKinds.some((kind) => {
      const names = this.names(kind);
      return names === 'all' || names.size > 0;
    });
  }

  /** Returns what is wrong with a response; the rest of it is used. */
  apply<Kind extends ResourceKind>(
    kind: Kind,
    response: Pick<ReceivedResponse, 'version' | 'removed' | 'isWhole'>,
    read: readonly ReadResource<DecodedResources[Kind]>[],
  ): ResourceError[] {
    if (kind === 'listener') this.#tellsListeners = true;
    return this.#warming.apply(kind, response, read, this);
  }

  /** To a server of these features; what it sends is taken as they say. */
  connected(features: XdsServerFeatures): void {
    this.features = features;
    this.#tellsListeners = false;
    for (const kind of referredKinds) this.#timers[kind].start(this.#timeoutMs);
    this.#warming.connected();
  }

  disconnected(): void {
    for (const kind of referredKinds) this.#timers[kind].stop();
  }

  /** What of a kind is not known yet. */
  await(kind: ReferredKind, unknown: ReadonlySet<string>): void {
    this.#timers[kind].await(new Set([...unknown].filter(this.owns)));
  }

  /** Whether anything that these servers were asked for is not known yet, not even that it does not exist. */
  get isAwaiting(): boolean {
    return this.#warming.awaits(this.owns);
  }

  /** Another server is listened to from now on. */
  forgetVersions(): void {
    this.#warming.forgetVersions();
  }

  get #timeoutMs(): number {
    return this.features.resourceTimerIsTransientError ? transientTimeoutMs : absenceTimeoutMs;
  }

  get #absenceReason(): string {
    const silence = `the config server has not sent it within ${this.#timeoutMs / 1000} s`;
    return this.features.resourceTimerIsTransientError ? silence : `${silence}, so it does not exist`;
  }
}

/** The set from before, when it has the same names. */
export function keepSame(before: Names | undefined, now: ReadonlySet<string>): ReadonlySet<string> {
  if (before === undefined || before === 'all' || before.size !== now.size) return now;
  for (const name of now) if (!before.has(name)) return now;
  return before;
}
