import type { Verdict } from './analysis/judge.js';
import { quantileOf, requestsOf, successRateOf, type Tally } from './analysis/tally.js';
import type { OutcomeKind } from './outcome.js';
import { type Split, versionsOf, type Weights } from './routes/split.js';

/** What a canary tells of itself. With `time` this is a line of `--output json`: names and meanings stay as they are. */
export type CanaryEvent =
  | PlanEvent
  | { readonly event: 'started' | 'resumed'; readonly target: string; readonly to: string; readonly percent: number }
  /** The weights are written. `step` is from 1. */
  | { readonly event: 'step'; readonly step: number; readonly percent: number; readonly weights: RuleWeights[] }
  /** Not in JSON, as `progress`: they come at every look. */
  | { readonly event: 'settling'; readonly percent: number; readonly elapsedMs: number; readonly settleMs: number }
  | (WindowCounts & { readonly event: 'progress'; readonly elapsedMs: number; readonly intervalMs: number })
  | (WindowCounts & {
      readonly event: 'window';
      readonly verdict: Verdict['kind'];
      readonly reason?: string | undefined;
    })
  | { readonly event: 'warning'; readonly message: string }
  | SummaryEvent;

interface PlanEvent {
  readonly event: 'plan';
  readonly target: string;
  readonly to: string;
  readonly metrics: string;
  readonly steps: readonly { readonly percent: number; readonly weights: RuleWeights[] }[];
  /** Steps that were asked for, and that it is beyond already. */
  readonly skipped: readonly number[];
  readonly limits: {
    readonly successRate: number;
    readonly minRequests: number;
    readonly latency?: string | undefined;
    readonly settleMs: number;
    readonly intervalMs: number;
    readonly windows: number;
  };
}

export interface SummaryEvent {
  readonly event: 'summary';
  readonly outcome: OutcomeKind;
  readonly exitCode: number;
  readonly target: string;
  readonly to: string;
  /** What the version has now: of several rules the least. */
  readonly percent: number | undefined;
  readonly weights: RuleWeights[];
  /** Whether the object could be read in the end; else the weights are those that were known last. */
  readonly weightsRead: boolean;
  readonly seconds: number;
  readonly reason?: string | undefined;
}

export interface RuleWeights {
  readonly rule: string;
  /** By version. Null: none is written. */
  readonly weights: Readonly<Record<string, number | null>>;
}

export interface WindowCounts {
  readonly percent: number;
  /** Of this step, from 1. */
  readonly window: number;
  readonly canary: Counts;
  readonly stable: Counts;
}

export interface Counts {
  readonly requests: number;
  readonly failed: number;
  /** 0 to 1; null without requests. */
  readonly successRate: number | null;
  /** In ms; null where no durations are reported. */
  readonly p99Ms: number | null;
}

export function countsOf(tally: Tally): Counts {
  const p99 = quantileOf(tally, 0.99);
  return {
    requests: requestsOf(tally),
    failed: tally.failed,
    successRate: successRateOf(tally) ?? null,
    p99Ms: p99 === undefined ? null : Number(p99.toFixed(1)),
  };
}

export function ruleWeights({ rules }: Split, weights: Weights): RuleWeights[] {
  return rules.map((rule, at) => ({
    rule: rule.label,
    weights: Object.fromEntries(versionsOf(rule).map((name, index) => [name, weights[at]?.[index] ?? null])),
  }));
}
