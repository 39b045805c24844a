/** What was counted of one source, as a replica of the config server. It only grows: one that begins anew is another source. */
export interface Counter {
  readonly succeeded: number;
  readonly failed: number;
  /** How many requests took how long: by the upper bound of their bucket in ms, and no longer than the bound before. */
  readonly durations?: ReadonlyMap<number, number> | undefined;
}

/** By source. */
export type Counters = ReadonlyMap<string, Counter>;

/** What was counted of either side at one moment. */
export interface Reading {
  readonly canary: Counters;
  readonly stable: Counters;
  /** Calls of the canary's host that reached no version, where they are counted by themselves. */
  readonly lost?: Counters | undefined;
  /** Sources that could not be read, while others could. */
  readonly problems?: readonly string[] | undefined;
  /** How often clients report, where that is known. */
  readonly reportIntervalMs?: number | undefined;
  /** Nothing was ever counted of either side. */
  readonly isUnknown?: boolean | undefined;
}

/** Requests of one side in a window. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly durations: ReadonlyMap<number, number>;
}

export const nothing: Tally = { succeeded: 0, failed: 0, durations: new Map() };

/**
 * What came to each source since. One that is new counts from now on: what it counted before may be years old. So does one that
 * has less than before.
 */
export function increase(before: Counters, after: Counters): Tally {
  let succeeded = 0;
  let failed = 0;
  const durations = new Map<number, number>();
  for (const [source, now] of after) {
    const then = before.get(source);
    if (then === undefined || now.succeeded < then.succeeded || now.failed < then.failed) continue;
    succeeded += now.succeeded - then.succeeded;
    failed += now.failed - then.failed;
    for (const [bound, count] of now.durations ?? []) {
      const more = count - (then.durations?.get(bound) ?? 0);
      if (more > 0) durations.set(bound, (durations.get(bound) ?? 0) + more);
    }
  }
  return { succeeded, failed, durations };
}

export function sumOf(a: Tally, b: Tally): Tally {
  const durations = new Map(a.durations);
  for (const [bound, count] of b.durations) durations.set(bound, (durations.get(bound) ?? 0) + count);
  return { succeeded: a.succeeded + b.succeeded, failed: a.failed + b.failed, durations };
}

export function requestsOf({ succeeded, failed }: Tally): number {
  return succeeded + failed;
}

/** How many durations are known. */
export function measuredOf({ durations }: Tally): number {
  let count = 0;
  for (const more of durations.values()) count += more;
  return count;
}

/** 0 to 1; undefined where nothing was asked. */
export function successRateOf(tally: Tally): number | undefined {
  const requests = requestsOf(tally);
  return requests === 0 ? undefined : tally.succeeded / requests;
}

/**
 * In ms, read off the buckets as Prometheus' `histogram_quantile` does: in a bucket evenly, and above the last bound that
 * bound. Undefined where no duration is known.
 */
export function quantileOf(tally: Tally, quantile: number): number | undefined {
  const buckets = [...tally.durations].sort(([a], [b]) => a - b);
  const count = measuredOf(tally);
  if (count === 0) return undefined;
  const rank = quantile * count;
  let below = 0;
  let lower = 0;
  for (const [bound, more] of buckets) {
    if (bound === Number.POSITIVE_INFINITY) return lower;
    if (below + more >= rank) return lower + (bound - lower) * ((rank - below) / more);
    below += more;
    lower = bound;
  }
  return lower;
}
