import { systemClock } from '@inmesh/control-plane';
import { exitCodeOf, watchEndSignals } from '../end-signal.js';
import type { Pace } from './analysis/advance.js';
import { type CanarySettings, readAnalysisFlags } from './canary-flags.js';
import { ruleWeights, type SummaryEvent } from './events.js';
import { doubtOfInterval, doubtsOfMetrics, firstLook } from './first-look.js';
import type { MetricsSource } from './metrics/metrics-source.js';
import { type MetricsFlags, openMetrics } from './open-metrics.js';
import { exitCodes, type Outcome, outcomeOf } from './outcome.js';
import type { AnalysisFlags } from './record.js';
import type { Emit } from './report.js';
import type { Destination } from './routes/destination.js';
import { revisionWarnings } from './routes/routed-object.js';
import { editsTo, weightsAt } from './routes/split.js';
import { runCanary } from './run-canary.js';
import { type Opening, plan, Session, type SessionOptions } from './session.js';
import type { Target } from './target/target.js';
import { openTarget, type TargetFlags } from './target-flags.js';
import { Whereabouts } from './whereabouts.js';

export interface CanaryTask {
  /** As the target was named. */
  readonly name: string;
  readonly flags: TargetFlags &
    MetricsFlags & {
      readonly to?: string | undefined;
      readonly host?: string | undefined;
      readonly force?: boolean | undefined;
      readonly resume?: boolean | undefined;
      readonly rollback?: boolean | undefined;
      readonly 'dry-run'?: boolean | undefined;
      readonly 'rollback-on-interrupt'?: boolean | undefined;
    };
  readonly analysis: AnalysisFlags;
  readonly steps: readonly number[] | undefined;
  readonly emit: Emit;
}

/** Returns the exit code. @throws UsageError */
export async function carryOut(task: CanaryTask): Promise<number> {
  const began = Date.now();
  // It says where the weights are, whatever went wrong, as soon as there is a target.
  const target = await outcomeOf(() => openTarget(task.name, task.flags));
  if ('kind' in target) return tell(task, { ...nowhere(task), ...ending(target, began) });
  try {
    const where = new Whereabouts({ to: task.flags.to, host: task.flags.host });
    const done = await outcomeOf(() => new Canary(task, target.value, where).run());
    const outcome: Done = 'kind' in done ? done : done.value;
    const place = await where.inTheEnd(target.value, outcome);
    return tell(task, { target: target.value.description, ...place, ...ending(outcome, began) });
  } finally {
    await target.value.close();
  }
}

type Done = Outcome & { readonly to?: string; readonly host?: string | undefined; readonly exitCode?: number };

class Canary {
  readonly #options: SessionOptions;

  constructor(
    private readonly task: CanaryTask,
    private readonly target: Target,
    where: Whereabouts,
  ) {
    const { flags, analysis, steps, emit } = task;
    this.#options = {
      ...{ target, to: flags.to, host: flags.host, steps, flags: analysis, force: flags.force ?? false, now: Date.now },
      saw: (split, weights) => where.saw(split, weights),
      mustResume: flags.resume === true || flags.rollback === true,
      warn: (message) => emit({ event: 'warning', message }),
    };
  }

  async run(): Promise<Done> {
    const { flags } = this.task;
    const opening = await plan(this.#options);
    const { to, host } = opening.record;
    if (flags.rollback) return { ...(await this.#takeBack(opening)), to, host };
    for (const message of revisionWarnings(opening.loaded.object)) this.task.emit({ event: 'warning', message });
    await this.#checkSubset(opening.split.canary);
    const metrics = await openMetrics(flags, this.target, opening.split);
    const first = await firstLook(metrics, opening.split);
    const settings = settle(opening, metrics);
    this.#tellPlan(opening, metrics, settings);
    // A file is changed in many places, and the last of them may be one that cannot be.
    if (flags['dry-run'] || flags.file !== undefined) await this.#rehearse(opening);
    const doubts = flags['dry-run'] ? doubtsOfMetrics(first, opening.split) : [];
    for (const message of [...doubtOfInterval(first, settings), ...doubts]) {
      this.task.emit({ event: 'warning', message });
    }
    if (flags['dry-run']) return { kind: 'planned', to, host };
    // What cannot be watched is not begun.
    if (first.reason !== undefined) throw new Error(first.reason);
    if (first.problems.length > 0 && !opening.isResumed) throw new Error(first.problems.join('; '));
    const session = await Session.begin(this.#options, opening);
    const event = session.isResumed ? 'resumed' : 'started';
    this.task.emit({ event, target: this.target.description, to, percent: session.percent });
    return { ...(await this.#watch(session, metrics, settings)), to, host };
  }

  async #checkSubset(canary: Destination): Promise<void> {
    if (canary.subset === undefined || (await this.target.subsetLabels(canary)) !== undefined) return;
    const message = `no DestinationRule of the namespace has a subset ${canary.subset} of ${canary.host}: it gets no traffic`;
    this.task.emit({ event: 'warning', message });
  }

  async #watch(session: Session, metrics: MetricsSource, { limits, pace }: Settled): Promise<Done> {
    const { flags, emit } = this.task;
    const signals = watchEndSignals();
    const abort = new AbortController();
    let exitCode: number | undefined;
    void signals.first.then((signal) => {
      exitCode = exitCodeOf(signal);
      abort.abort();
    });
    try {
      const outcome = await runCanary({
        ...{ session, metrics, limits, pace, clock: systemClock, emit },
        signal: abort.signal,
        rollbackOnInterrupt: flags['rollback-on-interrupt'] === true,
      });
      return outcome.kind === 'interrupted' && exitCode !== undefined ? { ...outcome, exitCode } : outcome;
    } finally {
      signals.dispose();
    }
  }

  async #rehearse({ loaded, split, record }: Opening): Promise<void> {
    for (const percent of record.steps.slice(record.step)) {
      await this.target.rehearse(loaded, editsTo(split, weightsAt(split, record.original, percent)));
    }
  }

  async #takeBack(opening: Opening): Promise<Done> {
    if (this.task.flags['dry-run']) {
      const { loaded, split, record } = opening;
      await this.target.rehearse(loaded, editsTo(split, record.original));
      return { kind: 'planned' };
    }
    const session = await Session.begin(this.#options, opening);
    await session.rollBack();
    // Asked for, it is no failure.
    return { kind: 'rolled_back', exitCode: 0 };
  }

  #tellPlan(
    { split, record, skipped }: Opening,
    { description }: MetricsSource,
    { limits, pace, latency }: Settled,
  ): void {
    this.task.emit({
      event: 'plan',
      target: this.target.description,
      to: record.to,
      metrics: description,
      steps: record.steps.slice(record.step).map((percent) => ({
        percent,
        weights: ruleWeights(split, weightsAt(split, record.original, percent)),
      })),
      skipped,
      limits: {
        ...{ successRate: limits.successRate, minRequests: limits.minRequests },
        ...(latency !== undefined && { latency }),
        ...{ settleMs: pace.settleMs, intervalMs: pace.intervalMs, windows: pace.windows },
      },
    });
  }
}

/** With what the metrics say of themselves. */
type Settled = CanarySettings & { readonly pace: Omit<Pace, 'steps'> };

function settle({ record }: Opening, metrics: MetricsSource): Settled {
  const settings = readAnalysisFlags(record.flags ?? {});
  return { ...settings, pace: { ...settings.pace, settleMs: settings.pace.settleMs ?? metrics.settleMs } };
}

function tell({ emit }: CanaryTask, summary: Omit<SummaryEvent, 'event'>): number {
  emit({ event: 'summary', ...summary });
  return summary.exitCode;
}

function ending({ kind, reason, exitCode = exitCodes[kind] }: Done, began: number) {
  const seconds = (Date.now() - began) / 1000;
  return { outcome: kind, exitCode, seconds, ...(reason !== undefined && { reason }) };
}

function nowhere({ name, flags }: CanaryTask) {
  return { target: name, to: flags.to ?? '', percent: undefined, weights: [], weightsRead: false };
}
