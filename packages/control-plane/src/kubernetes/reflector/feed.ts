import type { Clock, Random } from '@inmesh/core';
import type { KubernetesClient } from '../client/client.js';
import type { KubernetesObject, ResourceType } from '../client/objects.js';
import { type KubernetesProblem, problemOf } from '../client/problem.js';
import type { WatchEvent } from '../client/watch-events.js';
import { sleep } from '../sleep.js';
import type { Batch, ObjectStore } from './object-store.js';
import { ReconnectBackoff } from './reconnect-backoff.js';
import { isPassing, type ReflectorProblem, reflectorProblem } from './reflector-problem.js';
import type { ReflectorTimings } from './reflector-timings.js';
import { isOlder, newerVersion } from './resource-version.js';
import { Watchdog } from './watchdog.js';

/** How far a feed is. */
export type FeedState =
  | { readonly kind: 'listing' }
  | { readonly kind: 'watching'; readonly resourceVersion: string }
  /** Until it tries `next`. */
  | { readonly kind: 'waiting'; readonly forMs: number; readonly next: FeedState }
  /** The API server has no such kind: its CRD is not there. */
  | { readonly kind: 'absent'; readonly looks: number }
  | { readonly kind: 'closed' };

export interface FeedOptions<T extends KubernetesObject> {
  readonly client: Pick<KubernetesClient, 'list' | 'watch' | 'serves'>;
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly timings: ReflectorTimings;
  readonly store: ObjectStore<T>;
  readonly onBatch: (batch: Batch<T>) => void;
  readonly onSynced: () => void;
  readonly onProblem: (problem: ReflectorProblem | undefined) => void;
}

type Problem = KubernetesProblem | { readonly kind: 'silent' | 'defect'; readonly message: string };

/** A watch that fails so often is perhaps never to be had again from where it was: after a restore of etcd, say. */
const watchesBeforeList = 5;
/** One look may fall into the moment in which an API server begins. */
const looksBeforeRemoval = 2;

/** Lists the objects of one kind in one namespace, or in all, and follows them for as long as it is open. */
export class Feed<T extends KubernetesObject> {
  #state: FeedState = { kind: 'listing' };
  readonly #closing = new AbortController();
  readonly #backoff: ReconnectBackoff;
  #wake = new AbortController();
  /** Everything up to here has been told. */
  #reached = '';
  /** When it was known last that the API server and we speak of the same history. */
  #heardAt: number;
  #listMs: number;

  constructor(private readonly options: FeedOptions<T>) {
    const { timings, random, clock } = options;
    this.#backoff = new ReconnectBackoff(timings.backoff, random);
    this.#heardAt = clock.now();
    this.#listMs = timings.listMs;
  }

  get state(): FeedState {
    return this.#state;
  }

  get reached(): string {
    return this.#reached;
  }

  /** Resolves when it has been closed. */
  async run(): Promise<void> {
    while (this.#state.kind !== 'closed') {
      const next = await this.#step(this.#state).catch((error: unknown) => this.#afterDefect(error));
      this.#state = this.#closing.signal.aborted ? { kind: 'closed' } : next;
    }
  }

  /** Ends the pause that it is in. */
  hurry(): void {
    this.#wake.abort();
  }

  close(): void {
    this.#closing.abort();
    this.#wake.abort();
  }

  async #step(state: Exclude<FeedState, { kind: 'closed' }>): Promise<FeedState> {
    switch (state.kind) {
      case 'listing':
        return await this.#list();
      case 'watching':
        return await this.#watch(state.resourceVersion);
      case 'waiting':
        return await this.#wait(state.forMs, state.next);
      case 'absent':
        return await this.#look(state.looks);
    }
  }

  /** What was known stays until the whole list is there. */
  async #list(): Promise<FeedState> {
    const { client, clock, timings, type, store } = this.options;
    try {
      const selection = { ...this.#selection(this.#closing.signal), timeoutMs: this.#listMs };
      const { items, resourceVersion } = await client.list<T>(type, selection);
      this.#heardAt = clock.now();
      this.#listMs = timings.listMs;
      this.#emit(store.replace(items, resourceVersion));
      this.#reached = resourceVersion;
      this.options.onSynced();
      return { kind: 'watching', resourceVersion };
    } catch (error) {
      const problem = problemOf(error);
      if (problem.kind === 'timeout') this.#listMs = Math.min(this.#listMs * 2, timings.longestListMs);
      return this.#afterFailure(problem, 'list', { kind: 'listing' });
    }
  }

  async #watch(resourceVersion: string): Promise<FeedState> {
    const { client, clock, random, timings, type } = this.options;
    const watchdog = new Watchdog(clock, timings.idleMs, this.#closing.signal);
    const seconds = timings.watchSeconds * (1 + random());
    let since = Number.POSITIVE_INFINITY;
    let failure: Problem | undefined;
    try {
      const from = { ...this.#selection(watchdog.signal), resourceVersion, timeoutSeconds: Math.round(seconds) };
      const arriving = await client.watch<T>(type, from);
      since = clock.now();
      this.options.onProblem(undefined);
      for await (const events of arriving) {
        if (this.#closing.signal.aborted) break;
        failure = failureIn(events) ?? pastIn(events, this.#reached);
        this.#reached = this.#take(events, this.#reached);
        if (failure !== undefined) break;
        watchdog.feed();
        this.#heardAt = clock.now();
      }
    } catch (error) {
      failure = problemOf(error);
    } finally {
      watchdog.stop();
    }
    if (watchdog.hasBarked) failure = { kind: 'silent', message: `nothing has come for ${timings.idleMs} ms` };
    const next = this.#afterWatch();
    const isHealthy = clock.now() - since >= timings.healthyMs;
    if (isHealthy || this.#reached !== resourceVersion) this.#backoff.reset();
    if (failure !== undefined) return this.#afterFailure(failure, 'watch', next);
    // The API server ends each watch when its time is over, and that is no failure.
    return isHealthy ? next : this.#pause(next);
  }

  /** After a restore of etcd a watch from where we were is silent, or ends in silence, until the history is as long again. */
  #afterWatch(): FeedState {
    const { clock, timings } = this.options;
    const isInDoubt = clock.now() - this.#heardAt >= timings.idleMs;
    return isInDoubt ? { kind: 'listing' } : { kind: 'watching', resourceVersion: this.#reached };
  }

  #take(events: readonly WatchEvent<T>[], from: string): string {
    const changes = events.filter((event) => event.type !== 'BOOKMARK' && event.type !== 'ERROR');
    if (changes.length > 0) this.#emit(this.options.store.apply(changes));
    return events.reduce((reached, event) => newerVersion(reached, versionOf(event)), from);
  }

  async #wait(forMs: number, next: FeedState): Promise<FeedState> {
    this.#wake = new AbortController();
    await sleep(this.options.clock, forMs, this.#wake.signal);
    return next;
  }

  /** The objects of a kind are gone only when the API server says that the kind is, and says so twice. */
  async #look(looks: number): Promise<FeedState> {
    const { client, type, store, timings, random } = this.options;
    try {
      if (await client.serves(type, this.#closing.signal)) return this.#pause({ kind: 'listing' });
    } catch (error) {
      return this.#afterFailure(problemOf(error), 'list', { kind: 'absent', looks });
    }
    this.#backoff.reset();
    this.options.onProblem(undefined);
    const seen = looks + 1;
    if (!store.isEmpty && seen < looksBeforeRemoval) {
      return { kind: 'waiting', forMs: timings.confirmMs, next: { kind: 'absent', looks: seen } };
    }
    this.#emit(store.replace([]));
    this.options.onSynced();
    return { kind: 'waiting', forMs: timings.absentMs * (1 + random() / 10), next: { kind: 'absent', looks: seen } };
  }

  #afterFailure(failure: Problem, verb: 'list' | 'watch', again: FeedState): FeedState {
    if (this.#closing.signal.aborted) return { kind: 'closed' };
    const isAbsent = failure.kind === 'not_found' && failure.what === 'type';
    // Only a list says so for sure: the look that follows asks once more in another way.
    if (isAbsent) return { kind: 'absent', looks: 0 };
    const next = this.#mustList(failure) ? ({ kind: 'listing' } as const) : again;
    const problem = reflectorProblem(failure, verb, this.options.type, this.options.namespace);
    const pause = this.#pause(next, failure.kind === 'busy' ? failure.retryAfterMs : undefined);
    if (!isPassing(problem) || this.#backoff.failures >= this.options.timings.failuresToTell) {
      this.options.onProblem(problem);
    }
    return pause;
  }

  /** It goes on all the same: one object that nobody has thought of must not end the server. */
  #afterDefect(error: unknown): FeedState {
    const message = error instanceof Error ? error.message : String(error);
    return this.#afterFailure({ kind: 'defect', message }, 'list', { kind: 'listing' });
  }

  #mustList({ kind }: Problem): boolean {
    const isCut = kind === 'unreachable' || kind === 'timeout' || kind === 'busy' || kind === 'silent';
    return !isCut || this.#backoff.failures >= watchesBeforeList;
  }

  #pause(next: FeedState, atLeastMs = 0): FeedState {
    return { kind: 'waiting', forMs: Math.max(this.#backoff.next(), atLeastMs), next };
  }

  #emit(batch: Batch<T>): void {
    if (this.#closing.signal.aborted) return;
    if (batch.changed.length > 0 || batch.removed.length > 0) this.options.onBatch(batch);
  }

  #selection(signal: AbortSignal) {
    const { namespace, labelSelector, fieldSelector } = this.options;
    return { namespace, labelSelector, fieldSelector, signal };
  }
}

function failureIn<T extends KubernetesObject>(events: readonly WatchEvent<T>[]): Problem | undefined {
  const found = events.find((event) => event.type === 'ERROR');
  return found?.type === 'ERROR' ? found.problem : undefined;
}

/** The events of a watch come in order, so what is older is of another history. */
function pastIn<T extends KubernetesObject>(events: readonly WatchEvent<T>[], reached: string): Problem | undefined {
  if (!events.some((event) => isOlder(versionOf(event), reached))) return undefined;
  return { kind: 'gone', message: 'the API server has gone back to where it was before' };
}

function versionOf<T extends KubernetesObject>(event: WatchEvent<T>): string | undefined {
  if (event.type === 'ERROR') return undefined;
  return event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
}
