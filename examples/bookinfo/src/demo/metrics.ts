/** What one process has counted since it started. */
export interface Counters {
  requests: number;
  errors: number;
  /** Requests that took at most so many ms, by that bound; `Infinity` for all of them. */
  readonly atMost: Map<number, number>;
}

/** What happened between two scrapes. */
export interface Rates {
  readonly perSecond: number;
  readonly errors: number;
  /** In ms; undefined where nothing was called. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

type Labels = Readonly<Record<string, string | undefined>>;
export type CountersByKey = ReadonlyMap<string, Counters>;

/** As callers count: the workload that was called. */
export function calledWorkload(labels: Labels): string | undefined {
  if (labels.reporter !== 'source') return undefined;
  return `${labels.destination_canonical_service}-${labels.destination_canonical_revision}`;
}

/** As those count who were called: who has called whom, by the certificate that was shown, and how. */
export function callerAndCalled(labels: Labels): string | undefined {
  if (labels.reporter !== 'destination') return undefined;
  return [labels.source_principal, labels.destination_app, labels.connection_security_policy].join(' ');
}

/**
 * Reads Istio's standard metrics from Prometheus's text format.
 * @param keyOf what is counted together; undefined: it is passed over
 */
export function readCounters(text: string, keyOf: (labels: Labels) => string | undefined): CountersByKey {
  const into = new Map<string, Counters>();
  for (const [, metric, labelText, value] of text.matchAll(/^(istio_\w+)\{(.*)\} (\S+)$/gm)) {
    const labels: Labels = Object.fromEntries(
      [...labelText!.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, text]) => [name, text]),
    );
    const key = keyOf(labels);
    if (key === undefined) continue;
    const counters = countersOf(key, into);
    if (metric === 'istio_requests_total') {
      counters.requests += Number(value);
      if (/^[05]/.test(labels.response_code ?? '')) counters.errors += Number(value);
    } else if (metric === 'istio_request_duration_milliseconds_bucket') {
      const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
      counters.atMost.set(bound, (counters.atMost.get(bound) ?? 0) + Number(value));
    }
  }
  return into;
}

function countersOf(key: string, all: Map<string, Counters>): Counters {
  const counters = all.get(key) ?? { requests: 0, errors: 0, atMost: new Map() };
  all.set(key, counters);
  return counters;
}

const none: Counters = { requests: 0, errors: 0, atMost: new Map() };

/** What one process has counted in between. One that was started again counts from 0 again. */
export function growth(before = none, newer = none): Counters {
  const older = newer.requests < before.requests ? none : before;
  return {
    requests: newer.requests - older.requests,
    errors: newer.errors - older.errors,
    atMost: new Map([...newer.atMost].map(([bound, count]) => [bound, count - (older.atMost.get(bound) ?? 0)])),
  };
}

/** @param growths of each process */
export function ratesOf(growths: readonly Counters[], seconds: number): Rates {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const bounds = new Set(growths.flatMap(({ atMost }) => [...atMost.keys()]));
  const buckets = [...bounds].map(
    (bound) => [bound, sum(growths.map(({ atMost }) => atMost.get(bound) ?? 0))] as const,
  );
  return {
    perSecond: sum(growths.map(({ requests }) => requests)) / seconds,
    errors: sum(growths.map(({ errors }) => errors)),
    p50: quantile(buckets, 0.5),
    p99: quantile(buckets, 0.99),
  };
}

/** Interpolates within a bucket, as Prometheus's histogram_quantile does. */
function quantile(buckets: readonly (readonly [bound: number, atMost: number])[], share: number): number | undefined {
  const sorted = buckets.toSorted(([a], [b]) => a - b);
  const wanted = (sorted.at(-1)?.[1] ?? 0) * share;
  if (wanted === 0) return undefined;
  const at = sorted.findIndex(([, atMost]) => atMost >= wanted);
  const [below, countBelow] = sorted[at - 1] ?? [0, 0];
  const [bound, count] = sorted[at]!;
  return bound === Infinity ? below : below + ((bound - below) * (wanted - countBelow)) / (count - countBelow);
}
