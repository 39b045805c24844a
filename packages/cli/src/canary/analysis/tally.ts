/** What was counted of one source: a replica of the config server, or a series of Prometheus. It only grows, or begins anew. */
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
}

/** Requests of one side in a window. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly durations: ReadonlyMap<number, number>;
}

export const noReading: Reading = { canary: new Map(), stable: new Map() };

/** What came to each source since; one that has less than before has begun anew, and one that is new counts from nothing. */
export function increase(before: Counters, after: Counters): Tally {
  let succeeded = 0;
  let failed = 0;
  const durations = new Map<number, number>();
  for (const [source, now] of after) {
    const then = before.get(source);
    const base = then !== undefined && isContinued(then, now) ? then : undefined;
    succeeded += now.succeeded - (base?.succeeded ?? 0);
    failed += now.failed - (base?.failed ?? 0);
    for (const [bound, count] of now.durations ?? []) {
      const more = count - (base?.durations?.get(bound) ?? 0);
      if (more > 0) durations.set(bound, (durations.get(bound) ?? 0) + more);
    }
  }
  return { succeeded, failed, durations };
}

function isContinued(then: Counter, now: Counter): boolean {
  return now.succeeded >= then.succeeded && now.failed >= then.failed && sizeOf(now) >= sizeOf(then);
}

function sizeOf({ durations }: Counter): number {
  let size = 0;
  for (const count of durations?.values() ?? []) size += count;
  return size;
}

export function requestsOf({ succeeded, failed }: Tally): number {
  return succeeded + failed;
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
export function quantileOf({ durations }: Tally, quantile: number): number | undefined {
  const buckets = [...durations].sort(([a], [b]) => a - b);
  const count = buckets.reduce((sum, [, more]) => sum + more, 0);
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
