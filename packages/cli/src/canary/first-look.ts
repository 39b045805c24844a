import type { CanarySettings } from './canary-flags.js';
import type { MetricsSource } from './metrics/metrics-source.js';
import { type Outcome, outcomeOf } from './outcome.js';
import type { Split } from './routes/split.js';

/** What the metrics know before anything is written, or why they could not be asked. */
export type FirstLook = Pick<Outcome, 'reason'> & {
  readonly problems: readonly string[];
  readonly reportIntervalMs?: number | undefined;
  /** Nothing was ever counted of either side. */
  readonly isUnknown?: boolean | undefined;
};

export async function firstLook(metrics: MetricsSource, { canary, stable }: Split): Promise<FirstLook> {
  const look = await outcomeOf(() => metrics.read([canary], stable));
  if ('kind' in look) return { reason: look.reason, problems: [] };
  const { problems = [], reportIntervalMs, isUnknown } = look.value;
  return { problems, reportIntervalMs, isUnknown };
}

/** A window that is shorter than this is empty most of the time. */
export function doubtOfInterval(look: FirstLook, { pace }: Pick<CanarySettings, 'pace'>): string[] {
  const { reportIntervalMs = 0 } = look;
  if (pace.intervalMs >= reportIntervalMs) return [];
  const [interval, reports] = [pace.intervalMs / 1000, reportIntervalMs / 1000];
  return [
    `--interval: in ${interval}s most windows see nothing, because clients report every ${reports}s: make it longer`,
  ];
}

/** What would keep a canary from its judgement, for who only asks what would be done. */
export function doubtsOfMetrics({ reason, problems, isUnknown }: FirstLook, { canary }: Split): string[] {
  if (reason !== undefined) return [reason];
  if (!isUnknown) return [...problems];
  const who = `nothing was ever counted of ${canary.host}, of any version`;
  return [...problems, `${who}: do clients call it, and do they report (docs/canary.md)?`];
}
