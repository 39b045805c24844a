import { KubernetesError, sleep, type systemClock } from '@inmesh/control-plane';
import { advance, beginStep, dueMs, type Pace, type Phase, settle } from './analysis/advance.js';
import { judge, type Limits, p99Of, type Verdict } from './analysis/judge.js';
import { nothing, type Reading } from './analysis/tally.js';
import { Window } from './analysis/window.js';
import { type CanaryEvent, countsOf, ruleWeights } from './events.js';
import type { MetricsSource } from './metrics/metrics-source.js';
import { type Outcome, outcomeOf } from './outcome.js';
import type { Session } from './session.js';
import { Passing } from './target/target.js';

export interface RunOptions {
  readonly session: Session;
  readonly metrics: MetricsSource;
  readonly limits: Limits;
  readonly pace: Omit<Pace, 'steps'>;
  readonly clock: typeof systemClock;
  readonly emit: (event: CanaryEvent) => void;
  /** Somebody wants it to end. */
  readonly signal: AbortSignal;
  readonly rollbackOnInterrupt: boolean;
}

/** The longest time between two looks. */
const longestTickMs = 5000;

/** Watches each step and takes the next, until the version has all traffic or none. Never throws. */
export async function runCanary(options: RunOptions): Promise<Outcome> {
  const done = await outcomeOf(() => new Run(options).untilEnd());
  return 'kind' in done ? done : done.value;
}

class Run {
  readonly #options: RunOptions;
  readonly #pace: Pace;
  readonly #tickMs: number;
  #phase: Phase;
  /** Undefined until it could be read where it begins. */
  #window: Window | undefined;
  #reading: Reading | undefined;
  /** Of the stable version, when it had enough requests last. */
  #stableP99Ms: number | undefined;
  /** Since when the object cannot be reached. */
  #troubleSinceMs: number | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    const { steps, step } = options.session.record;
    this.#pace = { ...options.pace, steps: steps.length };
    this.#tickMs = Math.min(longestTickMs, options.pace.intervalMs);
    this.#phase = beginStep(step, options.clock.now());
    this.#stableP99Ms = options.session.record.stableP99Ms;
  }

  async untilEnd(): Promise<Outcome> {
    const { clock, signal } = this.#options;
    this.#tellStep();
    await this.#settle();
    for (;;) {
      await sleep(clock, this.#untilLookMs(), signal);
      if (signal.aborted) return await this.#untilInterrupted();
      const outcome = await this.#persist(() => this.#look());
      if (outcome !== undefined) return outcome;
    }
  }

  /** Windows begin and end in time, and there are looks between. */
  #untilLookMs(): number {
    const due = dueMs(this.#phase, this.#pace);
    const leftMs = due === undefined ? 0 : due - this.#options.clock.now();
    return leftMs > 0 ? Math.min(leftMs, this.#tickMs) : this.#tickMs;
  }

  /** A cluster that cannot be reached for a while is no reason to give up. */
  async #persist(look: () => Promise<Outcome | undefined>): Promise<Outcome | undefined> {
    const { clock, emit, pace } = this.#options;
    try {
      const outcome = await look();
      this.#troubleSinceMs = undefined;
      return outcome;
    } catch (error) {
      this.#troubleSinceMs ??= clock.now();
      if (!isPassing(error) || clock.now() - this.#troubleSinceMs >= pace.maxWaitMs) throw error;
      emit({ event: 'warning', message: (error as Error).message });
      return undefined;
    }
  }

  async #look(): Promise<Outcome | undefined> {
    const { session, clock } = this.#options;
    if (this.#phase.kind === 'promoted' || this.#phase.kind === 'rolling back') return await this.#end(this.#phase);
    await session.renew();
    if (this.#phase.kind === 'settling') return await this.#settle();
    const trouble = await this.#read();
    if (this.#options.signal.aborted) return undefined;
    const verdict = trouble ?? this.#judge();
    const next = advance(this.#phase, verdict, clock.now(), this.#pace);
    this.#tellWindow(verdict, next !== this.#phase);
    if (next === this.#phase) return undefined;
    if (next.kind === 'settling') return await this.#goTo(next.step);
    this.#phase = next;
    if (next.kind !== 'watching') return await this.#end(next);
    this.#window = this.#reading && new Window(this.#reading, clock.now());
    return undefined;
  }

  async #goTo(step: number): Promise<undefined> {
    const { session, clock } = this.#options;
    await session.goTo(step, this.#stableP99Ms);
    // From when they are written: a slow API server is no reason to count what was before.
    this.#phase = beginStep(step, clock.now());
    this.#tellStep();
    await this.#settle();
  }

  /** Nothing counts yet: what is read last is where the window begins. */
  async #settle(): Promise<undefined> {
    const { clock, emit, session, signal } = this.#options;
    this.#window = undefined;
    const trouble = await this.#read();
    if (signal.aborted || this.#phase.kind !== 'settling') return;
    const elapsedMs = clock.now() - this.#phase.sinceMs;
    this.#phase = settle(this.#phase, trouble?.reason, clock.now(), this.#pace);
    if (this.#phase.kind !== 'settling') return;
    emit({ event: 'settling', percent: session.percent, elapsedMs, settleMs: this.#pace.settleMs });
  }

  async #end(phase: Extract<Phase, { kind: 'promoted' | 'rolling back' }>): Promise<Outcome> {
    const { session } = this.#options;
    if (phase.kind === 'promoted') {
      await session.promote();
      return { kind: 'promoted' };
    }
    await session.rollBack();
    return { kind: 'rolled_back', reason: phase.reason };
  }

  /** The weights are taken back, or left in order, even if that cannot be done at once. */
  async #untilInterrupted(): Promise<Outcome> {
    const { clock } = this.#options;
    for (;;) {
      const outcome = await this.#persist(() => this.#interrupt());
      if (outcome !== undefined) return outcome;
      await sleep(clock, this.#tickMs);
    }
  }

  async #interrupt(): Promise<Outcome> {
    const { session, rollbackOnInterrupt } = this.#options;
    if (rollbackOnInterrupt) {
      await session.rollBack();
      return { kind: 'rolled_back', reason: 'interrupted' };
    }
    await session.release();
    return {
      kind: 'interrupted',
      reason: 'the weights stay as they are: go on with --resume, or back with --rollback',
    };
  }

  /** What stands in the way of a judgement. */
  async #read(): Promise<Extract<Verdict, { kind: 'waiting' }> | undefined> {
    const { metrics, session, emit, signal, clock } = this.#options;
    const { canary, stable } = session.split;
    try {
      const reading = await metrics.read([canary], stable, signal);
      for (const message of reading.problems ?? []) emit({ event: 'warning', message });
      this.#reading = reading;
      if (this.#window === undefined) this.#window = new Window(reading, clock.now());
      else this.#window.add(reading, clock.now());
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      if (!signal.aborted) emit({ event: 'warning', message });
      return { kind: 'waiting', reason: message };
    }
  }

  #judge(): Verdict {
    const { limits, clock, pace } = this.#options;
    if (this.#window === undefined) return { kind: 'waiting', reason: 'nothing could be read' };
    const { canary, stable, lost } = this.#window;
    this.#stableP99Ms = p99Of(stable, limits) ?? this.#stableP99Ms;
    const verdict = judge(canary, stable, limits, { lost, stableP99Ms: this.#stableP99Ms });
    const halfMs = pace.intervalMs / 2;
    if (verdict.kind !== 'passed' || this.#window.requestsSince(clock.now() - halfMs) > 0) return verdict;
    // It was well; whether it is, nobody knows.
    return { kind: 'waiting', reason: `no requests in the last ${halfMs / 1000}s` };
  }

  #tellStep(): void {
    const { session, emit } = this.#options;
    const { record, percent, split, weights } = session;
    emit({ event: 'step', step: record.step + 1, percent, weights: ruleWeights(split, weights) });
  }

  #tellWindow(verdict: Verdict, hasEnded: boolean): void {
    if (this.#phase.kind !== 'watching') return;
    const { emit, session, clock, pace } = this.#options;
    const { canary = nothing, stable = nothing } = this.#window ?? {};
    const { window, sinceMs } = this.#phase;
    const counts = { percent: session.percent, window, canary: countsOf(canary), stable: countsOf(stable) };
    const reason = 'reason' in verdict ? verdict.reason : undefined;
    emit(
      hasEnded
        ? { event: 'window', ...counts, verdict: verdict.kind, ...(reason !== undefined && { reason }) }
        : { event: 'progress', ...counts, elapsedMs: clock.now() - sinceMs, intervalMs: pace.intervalMs },
    );
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof Passing) return true;
  return error instanceof KubernetesError && ['unreachable', 'timeout', 'busy'].includes(error.problem.kind);
}
