import type { Clock, Random, Timer } from '@inmesh/core';
import type { KubernetesClient } from '../client/client.js';
import type { ObjectName } from '../client/objects.js';
import { isProblem, type KubernetesProblem, problemOf } from '../client/problem.js';
import { missingRule } from '../rbac-rule.js';
import { sleep } from '../sleep.js';
import { claimed, type Lease, leases, released } from './lease-record.js';

export interface LeaderElectionOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'update'>;
  readonly lease: Required<ObjectName>;
  /** Of this replica and no other, also after a restart: a pod's name and something random. */
  readonly identity: string;
  /** Monotonic; the only one that decides. */
  readonly clock: Clock;
  readonly random: Random;
  /** Wall clock, in ms, for the times that people read in the lease. */
  readonly now: () => number;
  readonly onStarted: () => void;
  /** What only a leader may do is to end at once. */
  readonly onStopped: () => void;
  /** Why it cannot be elected now; undefined: it can. Told when it is another. */
  readonly onProblem?: (problem: string | undefined) => void;
  readonly durations?: Partial<ElectionDurations>;
}

/** client-go's names and numbers (`LeaderElectionConfig`). */
export interface ElectionDurations {
  /** How long others wait for a leader that says nothing. */
  readonly leaseMs: number;
  /** How long a leader goes on without a renewal. Shorter than `leaseMs`: it must have stopped when another begins. */
  readonly renewMs: number;
  readonly retryMs: number;
}

export const defaultDurations: ElectionDurations = Object.freeze({ leaseMs: 15_000, renewMs: 10_000, retryMs: 2000 });
/** client-go's `JitterFactor`. */
const jitter = 1.2;

type ElectionState =
  | { readonly kind: 'following' }
  /** `until` it is renewed, by our clock, counted from when the last renewal was sent. */
  | { readonly kind: 'leading'; readonly until: number; readonly timer: Timer }
  | { readonly kind: 'closed' };

/** A lease as it was read, and when it was first seen like this: the holder's own times are by another clock. */
interface Observed {
  readonly lease: Lease;
  readonly at: number;
}

/** One leader among replicas, by a Lease. For as long as clocks run at about the same speed there are never two. */
export class LeaderElection {
  #state: ElectionState = { kind: 'following' };
  #observed: Observed | undefined;
  /** Whether what is observed is what we have written ourselves and nobody has contradicted. */
  #isCurrent = false;
  #problem: string | undefined;
  readonly #closing = new AbortController();
  readonly #durations: ElectionDurations;
  readonly #ended: Promise<void>;

  constructor(private readonly options: LeaderElectionOptions) {
    this.#durations = { ...defaultDurations, ...options.durations };
    this.#ended = this.#run();
  }

  /** Also false when the process has slept through its renewal and its timers have not run yet. */
  get isLeader(): boolean {
    return this.#state.kind === 'leading' && this.options.clock.now() < this.#state.until;
  }

  /** Who holds the lease, as far as is known. */
  get leader(): string | undefined {
    return this.#observed?.lease.spec?.holderIdentity || undefined;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** Stops leading, and gives the lease back so that another need not wait for its end. */
  async close(): Promise<void> {
    if (this.#state.kind === 'closed') return;
    this.#follow();
    this.#state = { kind: 'closed' };
    this.#closing.abort();
    await this.#ended;
    // Also who does not lead may hold it: an answer that came too late.
    await this.#release();
  }

  async #run(): Promise<void> {
    const { clock, random } = this.options;
    const { retryMs } = this.#durations;
    while (this.#state.kind !== 'closed') {
      await this.#attempt();
      const pauseMs = this.#state.kind === 'leading' ? retryMs : retryMs * (1 + jitter * random());
      await sleep(clock, pauseMs, this.#closing.signal);
    }
  }

  async #attempt(): Promise<void> {
    const sentAt = this.options.clock.now();
    try {
      if (await this.#inTime((signal) => this.#hold(signal), this.#durations.renewMs, this.#closing.signal))
        this.#lead(sentAt);
      else this.#follow();
      this.#setProblem(undefined);
    } catch (error) {
      // Whether it was written is not known, so what is there is read before the next attempt.
      this.#isCurrent = false;
      const problem = problemOf(error);
      if (problem.kind !== 'conflict' && problem.kind !== 'already_exists') this.#setProblem(this.#describe(problem));
    }
  }

  /** Whether the lease is ours now. @throws KubernetesError when that is not known, or another was quicker */
  async #hold(signal: AbortSignal): Promise<boolean> {
    const { client, lease: name, identity, now } = this.options;
    const { leaseMs } = this.#durations;
    const before = this.#isCurrent ? this.#observed?.lease : await this.#read(signal);
    if (before !== undefined && this.#isHeldByOther(before)) return false;
    const claim = claimed(name, before, { identity, leaseMs, now: now() });
    const kept =
      before === undefined
        ? await client.create<Lease>(leases, claim, { signal })
        : await client.update<Lease>(leases, claim, { signal });
    this.#observe(kept);
    this.#isCurrent = true;
    return true;
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      const lease = await this.options.client.get<Lease>(leases, this.options.lease, signal);
      this.#observe(lease);
      return lease;
    } catch (error) {
      if (!isProblem(error, 'not_found')) throw error;
      this.#observed = undefined;
      return undefined;
    }
  }

  #observe(lease: Lease): void {
    const isSame = this.#observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
    if (!isSame) this.#observed = { lease, at: this.options.clock.now() };
  }

  #isHeldByOther({ spec }: Lease): boolean {
    const holder = spec?.holderIdentity;
    if (!holder || holder === this.options.identity) return false;
    const leaseMs = (spec?.leaseDurationSeconds ?? this.#durations.leaseMs / 1000) * 1000;
    return this.options.clock.now() < (this.#observed?.at ?? Number.POSITIVE_INFINITY) + leaseMs;
  }

  #lead(sentAt: number): void {
    const { clock, onStarted } = this.options;
    const until = sentAt + this.#durations.renewMs;
    if (this.#closing.signal.aborted || until <= clock.now()) {
      this.#follow();
      return;
    }
    const wasLeading = this.#state.kind === 'leading';
    if (this.#state.kind === 'leading') this.#state.timer.cancel();
    const timer = clock.setTimer(until - clock.now(), () => this.#follow());
    this.#state = { kind: 'leading', until, timer };
    if (!wasLeading) onStarted();
  }

  #follow(): void {
    if (this.#state.kind !== 'leading') return;
    this.#state.timer.cancel();
    this.#state = { kind: 'following' };
    this.options.onStopped();
  }

  /** A request that hangs must not stand in the way of the next. */
  async #inTime<Result>(
    ask: (signal: AbortSignal) => Promise<Result>,
    ms: number,
    closing?: AbortSignal,
  ): Promise<Result> {
    const abort = new AbortController();
    const end = () => abort.abort();
    const timer = this.options.clock.setTimer(ms, end);
    closing?.addEventListener('abort', end, { once: true });
    try {
      return await ask(abort.signal);
    } finally {
      timer.cancel();
      closing?.removeEventListener('abort', end);
    }
  }

  async #release(): Promise<void> {
    const { client, lease: name, identity, now } = this.options;
    const giveBack = async (signal: AbortSignal) => {
      const lease = await client.get<Lease>(leases, name, signal);
      if (lease.spec?.holderIdentity !== identity) return;
      await client.update<Lease>(leases, released(lease, now()), { signal });
    };
    try {
      await this.#inTime(giveBack, this.#durations.retryMs);
    } catch (error) {
      // It ends by itself a few seconds later.
      problemOf(error);
    }
  }

  #describe({ kind, message }: KubernetesProblem): string {
    const { namespace, name } = this.options.lease;
    if (kind !== 'forbidden') return message;
    return `the lease ${namespace}/${name} may not be used: ${missingRule(leases, ['get', 'create', 'update'], { namespace })}`;
  }

  #setProblem(problem: string | undefined): void {
    if (problem === this.#problem || this.#state.kind === 'closed') return;
    this.#problem = problem;
    this.options.onProblem?.(problem);
  }
}
