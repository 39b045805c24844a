import type { Verdict } from './judge.js';

/** How far a canary has come. Times are on the scale of the clock. */
export type Phase =
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
  readonly intervalMs: number;
  /** So many windows below a limit in a row are no chance any more. */
  readonly windows: number;
  /** How long a window may wait for requests. */
  readonly maxWaitMs: number;
}

export function watchStep(step: number, nowMs: number): Phase {
  return { kind: 'watching', step, window: 1, sinceMs: nowMs, suspects: 0 };
}

/** What follows from a look at the requests of the window. The same phase: go on watching. */
export function advance(phase: Phase, verdict: Verdict, nowMs: number, pace: Pace): Phase {
  if (phase.kind !== 'watching') return phase;
  if (verdict.kind === 'failed') return { kind: 'rolling back', reason: verdict.reason };
  const elapsedMs = nowMs - phase.sinceMs;
  if (elapsedMs < pace.intervalMs) return phase;
  switch (verdict.kind) {
    case 'waiting':
      if (elapsedMs < pace.maxWaitMs) return phase;
      return { kind: 'rolling back', reason: `not enough to judge by: ${verdict.reason}` };
    case 'suspect': {
      const suspects = phase.suspects + 1;
      if (suspects >= pace.windows) return { kind: 'rolling back', reason: verdict.reason };
      return { ...phase, window: phase.window + 1, sinceMs: nowMs, suspects };
    }
    case 'passed':
      return phase.step + 1 < pace.steps ? watchStep(phase.step + 1, nowMs) : { kind: 'promoted' };
  }
}
