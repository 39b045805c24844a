import { create } from '@bufbuild/protobuf';
import { type DiscoveryRequest, type DiscoveryResponse, DiscoveryResponseSchema } from '../messages.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import type { Nack, TypeStatus } from './client-status.js';
import { Subscription } from './subscription.js';
import type { VersionedResource, VersionedType } from './versioned-snapshot.js';

export interface PendingResponse {
  readonly response: DiscoveryResponse;
  /** Those that are new to the client or changed. */
  readonly updated: readonly VersionedResource[];
}

/** `updates` keeps what is gone from the snapshot, `removals` drops it: see `AdsStream` for the order of both. */
export type Phase = 'updates' | 'removals';

/**
 * The state of the world variant of one type on one stream: nonces, versions, and which response is due. Listeners and
 * clusters come whole every time, and absence deletes; routes and endpoints come one by one (xds_protocol.rst).
 */
export class SotwChannel {
  readonly #kind: ResourceKind;
  readonly #isFullState: boolean;
  readonly #subscription: Subscription;
  #requests = 0;
  #nonce = '';
  #sentVersion = '';
  #ackedVersion = '';
  #nack: Nack | undefined;
  #isAnswered = true;
  /** A response is due even if nothing changed. */
  #mustRespond = false;
  /** What the client says it has from an earlier stream; looked at once. */
  #claimedVersion = '';
  /** The type in which nothing was due, until a request or another type changes that. */
  #settled: VersionedType | undefined;

  constructor(kind: ResourceKind) {
    this.#kind = kind;
    this.#isFullState = kind === 'listener' || kind === 'cluster';
    this.#subscription = new Subscription(this.#isFullState);
  }

  /** @returns the refusal, when the request is one */
  accept(request: DiscoveryRequest, nowMs: number): Nack | undefined {
    // A stale nonce speaks of a response before the last one: the client has not seen that yet and will ask again.
    if (this.#nonce !== '' && request.responseNonce !== '' && request.responseNonce !== this.#nonce) return undefined;
    const nack = this.#acceptAnswer(request, nowMs);
    if (this.#requests === 0) this.#claimedVersion = request.versionInfo;
    this.#requests += 1;
    const wantsMore = this.#subscription.setNames(request.resourceNames);
    if (this.#isFullState && wantsMore) this.#mustRespond = true;
    this.#settled = undefined;
    return nack;
  }

  /** Sends a resource again although it did not change. */
  refresh(name: string): void {
    this.#subscription.forget(name);
    this.#settled = undefined;
  }

  /** The response that is due now, if any; it counts as sent. A refused one stays sent: it is not due until it changes. */
  next(type: VersionedType, phase: Phase): PendingResponse | undefined {
    if (this.#requests === 0 || this.#settled === type) return undefined;
    this.#takeClaim(type);
    const pending = this.#isFullState ? this.#nextFullState(type, phase) : this.#nextPartial(type);
    if (pending === undefined && (phase === 'removals' || this.#kind !== 'cluster')) this.#settled = type;
    return pending;
  }

  get status(): TypeStatus {
    return {
      typeUrl: typeUrls[this.#kind],
      subscribed: this.#subscription.isWildcard ? 'all' : [...this.#subscription.names],
      sentVersion: this.#sentVersion,
      ackedVersion: this.#ackedVersion,
      nack: this.#nack,
    };
  }

  /** Only the first request with a nonce answers; later ones change the subscription, after a refusal too. */
  #acceptAnswer({ responseNonce, errorDetail }: DiscoveryRequest, nowMs: number): Nack | undefined {
    if (this.#isAnswered || responseNonce !== this.#nonce) return undefined;
    this.#isAnswered = true;
    if (errorDetail === undefined) {
      this.#ackedVersion = this.#sentVersion;
      return undefined;
    }
    this.#nack = { version: this.#sentVersion, message: errorDetail.message, atMs: nowMs };
    return this.#nack;
  }

  /**
   * A client that comes back with everything of this version is not sent it again. Only under wildcard, where the version
   * says it all: a list of names may have grown while the client was away.
   */
  #takeClaim(type: VersionedType): void {
    const claimed = this.#claimedVersion;
    this.#claimedVersion = '';
    if (claimed !== type.version || !this.#subscription.isWildcard) return;
    this.#subscription.markSent(this.#subscription.wanted(type));
    this.#ackedVersion = claimed;
    this.#mustRespond = false;
  }

  #nextFullState(type: VersionedType, phase: Phase): PendingResponse | undefined {
    const { updated, removed } = this.#subscription.diff(type);
    const keepsRemoved = phase === 'updates' && this.#kind === 'cluster';
    const isDue = this.#mustRespond || updated.length > 0 || (removed.length > 0 && !keepsRemoved);
    if (!isDue) return undefined;
    this.#mustRespond = false;
    const kept = keepsRemoved ? removed : [];
    if (!keepsRemoved) for (const { name } of removed) this.#subscription.forget(name);
    const content = [...this.#subscription.wanted(type), ...kept];
    return this.#respond(content, updated, this.#versionOf(type, kept.length > 0));
  }

  #nextPartial(type: VersionedType): PendingResponse | undefined {
    const { updated, removed } = this.#subscription.diff(type);
    // There is no way to say so. What comes back later, even the same, counts as changed then.
    for (const { name } of removed) this.#subscription.forget(name);
    return updated.length > 0 ? this.#respond(updated, updated, type.version) : undefined;
  }

  /** A version that a client may claim later must stand for everything of the type, neither less nor more. */
  #versionOf({ version }: VersionedType, hasRemoved: boolean): string {
    if (hasRemoved) return `${version}+removed`;
    return this.#subscription.isWildcard ? version : `${version}+named`;
  }

  #respond(
    content: readonly VersionedResource[],
    updated: readonly VersionedResource[],
    version: string,
  ): PendingResponse {
    this.#subscription.markSent(updated);
    this.#nonce = String(Number(this.#nonce) + 1);
    this.#sentVersion = version;
    this.#isAnswered = false;
    this.#nack = undefined;
    const response = create(DiscoveryResponseSchema, {
      typeUrl: typeUrls[this.#kind],
      versionInfo: version,
      nonce: this.#nonce,
      resources: content.map(({ any }) => any),
    });
    return { response, updated };
  }
}
