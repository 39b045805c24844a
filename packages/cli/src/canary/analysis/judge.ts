import { measuredOf, nothing, quantileOf, requestsOf, successRateOf, type Tally } from './tally.js';

export interface Limits {
  /** Of the canary, 0 to 1. */
  readonly successRate: number;
  /** A window says nothing before the canary was asked so often in it. */
  readonly minRequests: number;
  /** Of the 99th percentile. Undefined: no limit. */
  readonly latency: { readonly kind: 'absolute'; readonly ms: number } | RelativeLatency | undefined;
}

interface RelativeLatency {
  /** So many times that of the stable version. */
  readonly kind: 'relative';
  readonly factor: number;
}

export type Verdict =
  | { readonly kind: 'passed' }
  /** Too few requests, or none whose duration is known, or numbers that are none. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** Below a limit, which may be chance: another window tells. */
  | { readonly kind: 'suspect'; readonly reason: string }
  /** Below a limit, and not by chance. */
  | { readonly kind: 'failed'; readonly reason: string };

/** One-sided 0.05 %: windows are looked at many times, and each look may be the unlucky one. */
const certainty = 3.29;

/** A difference to the stable version that nobody minds, however certain it is. */
const worseBy = 0.005;

export interface Beside {
  /** Calls of the host that reached no version: nobody knows for which of them they were. */
  readonly lost?: Tally | undefined;
  /** The 99th percentile of the stable version when it had traffic, for when it has none. */
  readonly stableP99Ms?: number | undefined;
}

export function judge(
  canary: Tally,
  stable: Tally,
  limits: Limits,
  { lost = nothing, stableP99Ms }: Beside = {},
): Verdict {
  const requests = requestsOf(canary);
  const counted = [requests, requestsOf(stable), requestsOf(lost)];
  if (!counted.every(Number.isFinite)) return { kind: 'waiting', reason: 'the numbers cannot be read' };
  const host = judgeHost(requests + requestsOf(stable), lost.failed, limits);
  if (host.kind !== 'passed') return host;
  if (requests < limits.minRequests) {
    return { kind: 'waiting', reason: `${requests} of ${limits.minRequests} requests` };
  }
  const rate = judgeRate(canary, stable, limits);
  return rate.kind === 'passed' ? judgeLatency(canary, p99Of(stable, limits) ?? stableP99Ms, limits) : rate;
}

/** Undefined where too few durations are known. */
export function p99Of(tally: Tally, { minRequests }: Limits): number | undefined {
  return measuredOf(tally) < minRequests ? undefined : quantileOf(tally, 0.99);
}

function judgeHost(reached: number, lost: number, { successRate, minRequests }: Limits): Verdict {
  const calls = { ...nothing, succeeded: reached, failed: lost };
  if (lost === 0 || requestsOf(calls) < minRequests) return { kind: 'passed' };
  const reason = `${lost} of ${requestsOf(calls)} calls of the host reached no version: no healthy endpoint, or too many at once`;
  if (highestRate(calls) < successRate) return { kind: 'failed', reason };
  return reached / requestsOf(calls) < successRate ? { kind: 'suspect', reason } : { kind: 'passed' };
}

function judgeRate(canary: Tally, stable: Tally, { successRate, minRequests }: Limits): Verdict {
  const rate = successRateOf(canary) ?? 1;
  const below = `${percent(rate)} of ${requestsOf(canary)} requests succeeded, less than ${percent(successRate)}`;
  if (highestRate(canary) < successRate) return { kind: 'failed', reason: below };
  const beside = successRateOf(stable);
  if (beside !== undefined && requestsOf(stable) >= minRequests && isWorse(canary, stable)) {
    const reason = `${percent(rate)} of ${requestsOf(canary)} requests succeeded, and ${percent(beside)} of the stable version's`;
    return { kind: 'failed', reason };
  }
  return rate < successRate ? { kind: 'suspect', reason: below } : { kind: 'passed' };
}

function judgeLatency(canary: Tally, beside: number | undefined, limits: Limits): Verdict {
  const { latency: limit, minRequests } = limits;
  if (limit === undefined) return { kind: 'passed' };
  const p99 = p99Of(canary, limits);
  if (p99 === undefined) {
    const reason = `the durations of ${measuredOf(canary)} requests are reported, and not of ${minRequests}`;
    return { kind: 'waiting', reason };
  }
  if (limit.kind === 'relative' && beside === undefined) {
    return { kind: 'waiting', reason: `fewer than ${minRequests} durations of the stable version are reported` };
  }
  const most = limit.kind === 'absolute' ? limit.ms : limit.factor * (beside ?? 0);
  if (p99 <= most) return { kind: 'passed' };
  return { kind: 'suspect', reason: `the 99th percentile is ${p99.toFixed(0)} ms, more than ${most.toFixed(0)} ms` };
}

/** The end of Wilson's interval: a higher rate would have made what was seen all but impossible. */
function highestRate(tally: Tally): number {
  const requests = requestsOf(tally);
  const rate = tally.succeeded / requests;
  const spread = certainty ** 2 / requests;
  const half = certainty * Math.sqrt((rate * (1 - rate)) / requests + spread / (4 * requests));
  return (rate + spread / 2 + half) / (1 + spread);
}

/** The test of two proportions, with their pooled rate. */
function isWorse(canary: Tally, stable: Tally): boolean {
  const [here, there] = [requestsOf(canary), requestsOf(stable)];
  const difference = stable.succeeded / there - canary.succeeded / here;
  const pooled = (canary.succeeded + stable.succeeded) / (here + there);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / here + 1 / there));
  return difference > worseBy && difference > certainty * deviation;
}

/** 99.54 %, and 100 % for all alone. */
export function percent(rate: number): string {
  return `${Number((Math.floor(rate * 10_000) / 100).toFixed(2))} %`;
}
