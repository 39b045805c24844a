import { type ServedKind, typeUrls } from '../resources/type-urls.js';
import type { Nack, ResourceStatus, TypeStatus } from './client-status.js';
import { DeliveryLog } from './delivery-log.js';
import { findResource } from './on-demand.js';
import { Subscription, type SubscriptionDiff } from './subscription.js';
import type { TypeRequest, TypeResponse } from './variant.js';
import type { VersionedResource, VersionedType } from './versioned-snapshot.js';

export interface PendingResponse {
  readonly response: TypeResponse;
  /** Those that are new to the client or changed. */
  readonly updated: readonly VersionedResource[];
}

/** `updates` keeps what is gone from the snapshot, `removals` drops it: see `DiscoveryStream` for the order of both. */
export type Phase = 'updates' | 'removals';

/** Whether calls may go by a resource that is gone: only then is it kept until nothing leads to it. */
export type UseTest = (resource: VersionedResource) => boolean;

export interface TypeChannelOptions {
  readonly kind: ServedKind;
  readonly isIncremental: boolean;
  /** How long the client may keep what it is not sent again; undefined for as long as it likes. */
  readonly ttlMs: number | undefined;
}

/**
 * One type on one stream: nonces, versions, and which response is due. In the state of the world, listeners and clusters
 * come whole every time, and absence deletes; routes and endpoints come one by one, and nothing can be deleted. In the
 * incremental variant everything comes one by one and is deleted by name (xds_protocol.rst).
 */
export class TypeChannel {
  readonly #kind: ServedKind;
  readonly #isIncremental: boolean;
  readonly #isWhole: boolean;
  readonly #ttlMs: number | undefined;
  readonly #subscription: Subscription;
  readonly #log = new DeliveryLog();
  /** Needed again although the client may claim to have them, from before its first request. */
  readonly #owed = new Set<string>();
  #requests = 0;
  /** The state that the client says it has from an earlier stream; looked at once. */
  #claimedVersion = '';
  /** A response is due even if nothing changed. */
  #mustRespond = false;
  #isHeartbeatDue = false;
  /** The state in which nothing was due, until a request or another type changes that. */
  #settled: VersionedType | undefined;

  constructor({ kind, isIncremental, ttlMs }: TypeChannelOptions) {
    this.#kind = kind;
    this.#isIncremental = isIncremental;
    const allowsWildcard = kind === 'listener' || kind === 'cluster';
    this.#isWhole = allowsWildcard && !isIncremental;
    // Envoy would take the heartbeats of whole types for a state without the rest.
    this.#ttlMs = this.#isWhole ? undefined : ttlMs;
    this.#subscription = new Subscription(allowsWildcard);
  }

  get isAsked(): boolean {
    return this.#requests > 0;
  }

  get nameCount(): number {
    return this.#subscription.names.size;
  }

  /** Whether the client has yet to say what it thinks of the last response. */
  get isAwaitingAnswer(): boolean {
    return this.#log.isAwaitingAnswer;
  }

  wants(name: string): boolean {
    return this.#subscription.wants(name);
  }

  /** Whether the client has been told of the name since it subscribed to it. */
  has(name: string): boolean {
    return this.#subscription.has(name);
  }

  /** @returns the refusal, when the request is one */
  accept(request: TypeRequest, nowMs: number): Nack | undefined {
    // In the state of the world a stale nonce speaks of a response before the last one: the client has not seen that yet
    // and will ask again. An incremental client says each change of its subscription once.
    if (this.#isStale(request) && !this.#isIncremental) return undefined;
    const nack = this.#log.answer(request.nonce, request.refusal, nowMs);
    this.#subscribe(request);
    this.#requests += 1;
    this.#settled = undefined;
    return nack;
  }

  /** Sends a resource again although it did not change. */
  refresh(name: string): void {
    if (!this.isAsked) this.#owed.add(name);
    this.#subscription.refresh(name);
    this.#settled = undefined;
  }

  /** Prolongs the life of what the client has, where it has an end. */
  requireHeartbeat(): void {
    this.#isHeartbeatDue = this.isAsked && this.#ttlMs !== undefined && this.#log.nonce !== '';
  }

  /** The response that is due now, if any; it counts as sent. A refused one stays sent: it is not due until it changes. */
  next(type: VersionedType, phase: Phase, isUsed: UseTest = () => true): PendingResponse | undefined {
    if (!this.isAsked || this.#settled === type) return undefined;
    const diff = this.#look(type);
    if (!this.#mustRespond && diff.updated.length + diff.removed.length === 0) {
      this.#settled = type;
      return undefined;
    }
    if (this.#isWhole) return this.#nextWhole(type, diff, phase, isUsed);
    return this.#isIncremental ? this.#nextDifference(type, diff, phase, isUsed) : this.#nextPart(type, diff);
  }

  nextHeartbeat(type: VersionedType): PendingResponse | undefined {
    if (!this.#isHeartbeatDue) return undefined;
    this.#isHeartbeatDue = false;
    const resources = this.#subscription.wanted(type).filter(({ name }) => this.#subscription.isSettled(name));
    if (resources.length === 0) return undefined;
    return this.#respond({ version: this.#log.sentVersion, resources, isHeartbeat: true }, []);
  }

  get status(): TypeStatus {
    return {
      typeUrl: typeUrls[this.#kind],
      subscribed: this.#subscription.isWildcard ? 'all' : [...this.#subscription.names],
      sentVersion: this.#log.sentVersion,
      ackedVersion: this.#log.ackedVersion,
      nack: this.#log.nack,
    };
  }

  /** What is subscribed, resource by resource. */
  resources(type: VersionedType): ResourceStatus[] {
    if (!this.isAsked) return [];
    const { nack } = this.#log;
    const known = this.#subscription.wanted(type);
    const absent = [...this.#subscription.names].filter((name) => findResource(type, name) === undefined);
    const typeUrl = typeUrls[this.#kind];
    return [
      ...known.map((resource): ResourceStatus => {
        const { name, version, any } = resource;
        const state = this.#subscription.isSettled(name) ? this.#log.answerTo(name) : 'not sent';
        return { typeUrl, name, version, any, state, nack: state === 'refused' ? nack : undefined };
      }),
      ...absent.map((name): ResourceStatus => ({ typeUrl, name, version: '', any: undefined, state: 'not sent' })),
    ];
  }

  #isStale({ nonce }: TypeRequest): boolean {
    return nonce !== '' && this.#log.nonce !== '' && nonce !== this.#log.nonce;
  }

  #subscribe({ interest, claim }: TypeRequest): void {
    const isFirst = !this.isAsked;
    const beginsWildcard =
      interest.kind === 'names'
        ? this.#subscription.setNames(interest.names)
        : this.#subscription.change({ ...interest, isFirst });
    if (beginsWildcard) this.#beginWildcard();
    if (isFirst) this.#takeClaim(claim);
  }

  #beginWildcard(): void {
    // Also when there is nothing to send, so that the client knows that there is nothing.
    this.#mustRespond = true;
    // What is on its way since an earlier subscription arrives after this one: the client must hear if it is gone.
    const { names } = this.#subscription;
    for (const name of this.#log.unansweredNames()) if (!names.has(name)) this.#subscription.refresh(name);
  }

  #takeClaim(claim: TypeRequest['claim']): void {
    if (claim.kind === 'everything') this.#claimedVersion = claim.version;
    else this.#subscription.claim(claim.versions);
    for (const name of this.#owed) this.#subscription.refresh(name);
    this.#owed.clear();
  }

  #look(type: VersionedType): SubscriptionDiff {
    const claimed = this.#claimedVersion;
    this.#claimedVersion = '';
    // A list of names may have grown while the client was away.
    if (claimed === type.version && this.#subscription.isAllOf(type)) {
      this.#subscription.claimAll(type);
      this.#log.claim(claimed);
      this.#mustRespond = false;
    }
    return this.#subscription.diff(type);
  }

  #nextWhole(type: VersionedType, diff: SubscriptionDiff, phase: Phase, isUsed: UseTest): PendingResponse | undefined {
    const { updated, removed } = diff;
    const isEarly = phase === 'updates' && this.#kind === 'cluster';
    const kept = isEarly ? this.#subscription.held(removed).filter(isUsed) : [];
    if (!this.#mustRespond && updated.length === 0 && removed.length === kept.length) return undefined;
    const keptNames = new Set(kept.map(({ name }) => name));
    const gone = removed.filter((name) => !keptNames.has(name));
    const resources = [...this.#subscription.wanted(type), ...kept];
    return this.#respond({ version: this.#versionOf(type, kept.length > 0), resources, settled: gone }, updated);
  }

  /** There is no way to say that something is gone. What comes back later, even the same, counts as changed then. */
  #nextPart({ version }: VersionedType, { updated, removed }: SubscriptionDiff): PendingResponse | undefined {
    this.#subscription.settle(removed);
    return updated.length > 0 ? this.#respond({ version, resources: updated }, updated) : undefined;
  }

  #nextDifference(
    { version }: VersionedType,
    { updated, removed }: SubscriptionDiff,
    phase: Phase,
    isUsed: UseTest,
  ): PendingResponse | undefined {
    if (phase === 'removals') return removed.length > 0 ? this.#respond({ version, removed }, []) : undefined;
    const held = this.#subscription.held(removed);
    const unused = held.filter((resource) => !isUsed(resource)).map(({ name }) => name);
    const isDue = updated.length + unused.length > 0 || (this.#mustRespond && removed.length === 0);
    return isDue ? this.#respond({ version, resources: updated, removed: unused }, updated) : undefined;
  }

  /** A version that a client may claim later must stand for everything of the type, neither less nor more. */
  #versionOf(type: VersionedType, hasRemoved: boolean): string {
    if (hasRemoved) return `${type.version}+removed`;
    return this.#subscription.isAllOf(type) ? type.version : `${type.version}+named`;
  }

  #respond(content: Content, updated: readonly VersionedResource[]): PendingResponse {
    const { version, resources = [], removed = [], settled = removed, isHeartbeat = false } = content;
    this.#mustRespond = false;
    const names = updated.map(({ name }) => name);
    this.#subscription.settle(names);
    this.#subscription.settle(settled);
    const sent = this.#isWhole ? resources.map(({ name }) => name) : [...names, ...removed];
    const nonce = this.#log.send(version, sent, this.#isWhole);
    const typeUrl = typeUrls[this.#kind];
    return {
      response: { typeUrl, version, nonce, resources, removed, ttlMs: this.#ttlMs, isHeartbeat },
      updated,
    };
  }
}

interface Content {
  readonly version: string;
  readonly resources?: readonly VersionedResource[];
  readonly removed?: readonly string[];
  /** Gone without being named in the response. */
  readonly settled?: readonly string[];
  readonly isHeartbeat?: boolean;
}
