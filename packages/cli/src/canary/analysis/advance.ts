import type { Verdict } from './judge.js';

/** How far a canary has come. Times are on the scale of the clock. */
export type Phase =
  /** The weights are written; reports may still be of those before. */
  | { readonly kind: 'settling'; readonly step: number; readonly sinceMs: number }
  | {
      readonly kind: 'watching';
      /** Of the steps, from 0. */
      readonly step: number;
      /** Of this step, from 1. */
      readonly window: number;
      readonly sinceMs: number;
      /** Windows of this step in a row that were below a limit. */
      readonly suspects: number;
    }
  | { readonly kind: 'promoted' }
  | { readonly kind: 'rolling back'; readonly reason: string };

export interface Pace {
  readonly steps: number;
  /** How long after a step a window begins at the earliest. */
  readonly settleMs: number;
  readonly intervalMs: number;
  /** So many windows below a limit in a row are no chance any more. */
  readonly windows: number;
  /** How long a window may wait for requests. */
  readonly maxWaitMs: number;
}

/** What a phase ends with that cannot be judged for too long. */
const blind = (reason: string): Phase => ({ kind: 'rolling back', reason: `not enough to judge by: ${reason}` });

/** The weights of a step were written now. */
export function beginStep(step: number, nowMs: number): Phase {
  return { kind: 'settling', step, sinceMs: nowMs };
}

/**
 * What follows from a look while the weights settle: the first window begins where all that was counted before is known.
 * @param trouble why it could not be read
 */
export function settle(phase: Phase, trouble: string | undefined, nowMs: number, pace: Pace): Phase {
  if (phase.kind !== 'settling') return phase;
  const overMs = nowMs - phase.sinceMs - pace.settleMs;
  if (overMs < 0) return phase;
  if (trouble === undefined) return { kind: 'watching', step: phase.step, window: 1, sinceMs: nowMs, suspects: 0 };
  return overMs < pace.maxWaitMs ? phase : blind(trouble);
}

/** When a phase that is watched can end at the earliest. */
export function dueMs(phase: Phase, { settleMs, intervalMs }: Pace): number | undefined {
  if (phase.kind === 'settling') return phase.sinceMs + settleMs;
  return phase.kind === 'watching' ? phase.sinceMs + intervalMs : undefined;
}

/** What follows from a look at the requests of the window. The same phase: go on watching. */
export function advance(phase: Phase, verdict: Verdict, nowMs: number, pace: Pace): Phase {
  if (phase.kind !== 'watching') return phase;
  if (verdict.kind === 'failed') return { kind: 'rolling back', reason: verdict.reason };
  const elapsedMs = nowMs - phase.sinceMs;
  if (elapsedMs < pace.intervalMs) return phase;
  switch (verdict.kind) {
    case 'waiting':
      return elapsedMs < pace.maxWaitMs ? phase : blind(verdict.reason);
    case 'suspect': {
      const suspects = phase.suspects + 1;
      if (suspects >= pace.windows) return { kind: 'rolling back', reason: verdict.reason };
      return { ...phase, window: phase.window + 1, sinceMs: nowMs, suspects };
    }
    case 'passed':
      return phase.step + 1 < pace.steps ? beginStep(phase.step + 1, nowMs) : { kind: 'promoted' };
  }
}
