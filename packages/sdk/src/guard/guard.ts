import type { Clock, Random } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { inboundCalls } from '../server/context.js';
import { Breaker, type Phase } from './breaker.js';
import { GuardCall } from './guard-call.js';
import { type GuardEvent, outcomeOf } from './guard-event.js';
import type { ResolvedGuardPolicy } from './guard-policy.js';
import { Places } from './places.js';
import { RateWindow } from './rate-window.js';
import { circuitOpen, closed, rateLimited, tryTimedOut } from './refusals.js';
import { type RetryDeps, withRetries } from './retry.js';
import { callUser } from './user-callback.js';

export interface GuardDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onEvent?: ((event: GuardEvent) => void) | undefined;
}

type Work<T> = () => T | PromiseLike<T>;

/**
 * The state behind one name. The order is that of the mesh's own call path: deadline, rate limit, retries, and then for
 * each attempt the breaker, a place, and the time for one try, which begins when the function does.
 */
export class Guard {
  readonly #breaker: Breaker | undefined;
  readonly #places: Places | undefined;
  readonly #rate: RateWindow | undefined;
  readonly #retry: RetryDeps;
  readonly #isFailure: (error: unknown) => boolean;
  readonly #calls = new Set<GuardCall>();
  #isClosed = false;

  constructor(
    readonly name: string,
    readonly policy: ResolvedGuardPolicy,
    private readonly deps: GuardDeps,
  ) {
    const { circuitBreaker, maxConcurrent, maxPending, rateLimit, retries } = policy;
    const { clock, random, logger } = deps;
    this.#breaker = circuitBreaker && new Breaker(circuitBreaker, clock);
    this.#places = Number.isFinite(maxConcurrent) ? new Places(maxConcurrent, maxPending) : undefined;
    this.#rate = rateLimit && new RateWindow(rateLimit);
    const isRetriable = (error: unknown) => callUser(logger, 'retryOn', () => retries!.retryOn(error), false);
    this.#retry = { clock, random, isRetriable };
    this.#isFailure = (error) => callUser(logger, 'isFailure', () => circuitBreaker!.isFailure(error), true);
  }

  /** Runs `work`, perhaps several times. The function's own errors come out as they are. */
  async run<T>(work: Work<T>): Promise<T> {
    const call = new GuardCall(this.deps.clock, this.name, this.#deadline());
    this.#calls.add(call);
    try {
      const result = await this.#perform(call, work);
      this.#report(call, 'success');
      return result;
    } catch (error) {
      this.#report(call, outcomeOf(error));
      throw error;
    } finally {
      call.finish();
      this.#calls.delete(call);
    }
  }

  /** Runs under way end by themselves; what waits for a place or for its next attempt fails, and so does every later call. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#breaker?.shutdown();
    for (const call of this.#calls) if (!call.isRunning) closed(call);
  }

  #deadline(): number {
    const { timeoutMs } = this.policy;
    const own = timeoutMs > 0 ? this.deps.clock.now() + timeoutMs : Number.POSITIVE_INFINITY;
    return Math.min(own, inboundCalls.getStore()?.deadline ?? Number.POSITIVE_INFINITY);
  }

  async #perform<T>(call: GuardCall, work: Work<T>): Promise<T> {
    if (this.#isClosed) throw closed(call);
    const leftBehind = inboundCalls.getStore()?.cancelled;
    if (leftBehind !== undefined) throw leftBehind;
    call.startDeadline();
    if (this.#rate?.tryPass(this.deps.clock.now()) === false) throw rateLimited(call, this.policy.rateLimit!);
    const attempt = () => this.#attempt(call, work);
    const { retries } = this.policy;
    return retries === undefined ? attempt() : withRetries(call, retries, this.#retry, attempt);
  }

  async #attempt<T>(call: GuardCall, work: Work<T>): Promise<T> {
    if (this.#isClosed) throw closed(call);
    // Before the queue, which an open circuit must not fill, and once more after it.
    if (this.#breaker?.refuses) throw circuitOpen(call, this.policy.circuitBreaker!.openMs);
    // Without a queue the function begins before the call returns, as it does unguarded.
    const release = this.#places && (await this.#places.take(call));
    let phase: Phase | undefined;
    try {
      phase = this.#admit(call);
    } catch (refusal) {
      release?.();
      throw refusal;
    }
    call.attempts += 1;
    const run = start(work);
    if (release !== undefined) run.then(release, release);
    return this.#follow(call, run, phase);
  }

  #admit(call: GuardCall): Phase | undefined {
    if (call.ended !== undefined) throw call.ended;
    const phase = this.#breaker?.admit();
    if (phase === undefined && this.#breaker !== undefined) throw circuitOpen(call, this.policy.circuitBreaker!.openMs);
    return phase;
  }

  async #follow<T>(call: GuardCall, run: Promise<T>, phase: Phase | undefined): Promise<T> {
    call.isRunning = true;
    const ms = this.policy.retries?.perTryTimeoutMs ?? 0;
    try {
      const result = await call.wait(run, ms > 0 ? { ms, exceeded: () => tryTimedOut(call, ms) } : undefined);
      if (phase !== undefined) this.#breaker?.settle(phase, false);
      return result;
    } catch (error) {
      if (phase !== undefined) this.#breaker?.settle(phase, this.#isFailure(error));
      throw error;
    } finally {
      call.isRunning = false;
    }
  }

  #report(call: GuardCall, outcome: GuardEvent['outcome']): void {
    const { onEvent, logger } = this.deps;
    if (onEvent === undefined) return;
    const event = { name: this.name, outcome, durationMs: call.durationMs, attempts: call.attempts };
    callUser(logger, 'onEvent', () => onEvent(event), undefined);
  }
}

/** A function that throws, or returns no promise, is one that rejects or resolves. */
async function start<T>(work: Work<T>): Promise<T> {
  return work();
}
