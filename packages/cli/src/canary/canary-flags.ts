import { UsageError } from '../command.js';
import { parseAmount, parseDurationMs } from '../flag-values.js';
import type { Pace } from './analysis/advance.js';
import type { Limits } from './analysis/judge.js';
import { type AnalysisFlag, type AnalysisFlags, analysisFlags } from './record.js';
import { targetFlags, targetHelp } from './target-flags.js';

export const canaryFlags = {
  to: { type: 'string' },
  steps: { type: 'string' },
  interval: { type: 'string' },
  'success-rate': { type: 'string' },
  'max-latency-p99': { type: 'string' },
  'min-requests': { type: 'string' },
  'analysis-windows': { type: 'string' },
  'max-wait': { type: 'string' },
  settle: { type: 'string' },
  server: { type: 'string', multiple: true },
  prometheus: { type: 'string' },
  resume: { type: 'boolean' },
  rollback: { type: 'boolean' },
  'rollback-on-interrupt': { type: 'boolean' },
  ...targetFlags,
} as const;

export const canaryHelp = `inmesh canary TARGET --to VERSION
inmesh canary TARGET --resume
inmesh canary TARGET --rollback

Moves the traffic of a VirtualService, HTTPRoute or GRPCRoute to a version in steps, watches it, and takes the traffic back
by itself when the version fails. TARGET is a name, or KIND/NAME. One that stopped goes on when it is called again.

  --to VERSION         a subset, or a service: v2 is the subset v2, or the service TARGET-v2
  --steps N,N,...      shares of the traffic in percent, the last one 100 (5,10,25,50,100)
  --interval DURATION  how long a window of analysis is (30s); a step takes one, and more in doubt
  --success-rate N     percent of the version's requests that must succeed (99)
  --max-latency-p99 L  500ms, or 1.5x: so many times that of the stable version (no limit)
  --min-requests N     a window waits until the version was asked so often (100)
  --analysis-windows N so many bad windows in a row are no chance, and the traffic goes back (2)
  --max-wait DURATION  how long a window waits for requests, before the traffic goes back (ten times --interval)
  --settle DURATION    how long after a step nothing counts, because reports may be of before (the interval of the load
                       reports and a second, 30s with --prometheus; 0: not at all)
  --server HOST:PORT   debug port of a config server whose load reports tell; may be given several times (127.0.0.1:8080)
  --prometheus URL     Istio's metrics in a Prometheus tell, and no load reports
  --resume             go on with a canary that stopped, by the same steps and settings; settings that are given now
                       take the place of those; without a canary it is an error
  --rollback           take back what a canary that stopped has shifted
  --rollback-on-interrupt
                       Ctrl-C takes the traffic back, instead of leaving it where it is
${targetHelp}

Exit code: 0 all traffic is the version's (or --dry-run, or --rollback is done), 1 it was taken back, 2 called wrongly, 3 stopped
where it was: the weights are somebody else's, or could not be read or written; 130 interrupted.`;

type Flags = { readonly [Name in keyof typeof canaryFlags]?: unknown };

export interface CanarySettings {
  readonly limits: Limits;
  /** `settleMs` is undefined where the metrics say it. */
  readonly pace: Omit<Pace, 'steps' | 'settleMs'> & { readonly settleMs: number | undefined };
  /** As it was written, for people. */
  readonly latency: string | undefined;
}

const longestMs = 24 * 3_600_000;

/** Those that were given. */
export function analysisFlagsOf(flags: Flags): AnalysisFlags {
  const given = analysisFlags.flatMap((name) => (typeof flags[name] === 'string' ? [[name, flags[name]]] : []));
  return Object.fromEntries(given);
}

/** @throws UsageError that names the flag */
export function readAnalysisFlags(flags: AnalysisFlags): CanarySettings {
  const text = (name: AnalysisFlag) => flags[name];
  const intervalMs = parseDurationMs(text('interval'), '--interval', longestMs) ?? 30_000;
  const rate = parseAmount(text('success-rate'), '--success-rate') ?? 99;
  if (rate > 100) throw new UsageError(`--success-rate: ${rate} is more than 100 percent`);
  if (rate <= 1) {
    const meant = Number((rate * 100).toFixed(6));
    throw new UsageError(`--success-rate: ${rate} would be ${rate} percent: it is in percent, so write ${meant}`);
  }
  return {
    latency: text('max-latency-p99'),
    limits: {
      successRate: rate / 100,
      minRequests: parseCount(text('min-requests'), '--min-requests') ?? 100,
      latency: parseLatency(text('max-latency-p99')),
    },
    pace: {
      settleMs: parseSettle(text('settle')),
      intervalMs,
      windows: parseCount(text('analysis-windows'), '--analysis-windows') ?? 2,
      maxWaitMs: parseDurationMs(text('max-wait'), '--max-wait', longestMs) ?? 10 * intervalMs,
    },
  };
}

/** @returns undefined where none are given @throws UsageError */
export function readSteps({ steps }: Flags): number[] | undefined {
  return typeof steps === 'string' ? parseSteps(steps) : undefined;
}

function parseSettle(written: string | undefined): number | undefined {
  const isNone = written !== undefined && /^0(ms|s|m|h)?$/.test(written);
  return isNone ? 0 : parseDurationMs(written, '--settle', longestMs);
}

function parseSteps(written: string): number[] {
  const steps = written.split(',').map((step) => (/^\d{1,3}$/.test(step.trim()) ? Number(step) : Number.NaN));
  const isAscending = steps.every((step, at) => step > (steps[at - 1] ?? 0));
  if (isAscending && steps.at(-1) === 100) return steps;
  throw new UsageError(`--steps: ${JSON.stringify(written)} is not a list of rising percents that ends with 100`);
}

function parseLatency(written: string | undefined): Limits['latency'] {
  if (written === undefined) return undefined;
  const [, factor] = /^(\d+(?:\.\d+)?)x$/.exec(written) ?? [];
  if (factor !== undefined && Number(factor) > 0) return { kind: 'relative', factor: Number(factor) };
  return { kind: 'absolute', ms: parseDurationMs(written, '--max-latency-p99', longestMs) ?? 0 };
}

function parseCount(written: string | undefined, flag: string): number | undefined {
  const amount = parseAmount(written, flag);
  if (amount === undefined || Number.isInteger(amount)) return amount;
  throw new UsageError(`${flag}: ${amount} is not a whole number`);
}
