import { isRecord } from '@inmesh/config';
import type { Counter } from '../analysis/tally.js';
import type { Destination } from '../routes/destination.js';
import { getJson } from './get-json.js';
import type { MetricsSource } from './metrics-source.js';
import { keyOf, type Series, SeriesGains } from './series-gains.js';

/** The label `version` of the pods of a subset, which is all that Istio's metrics know of subsets. */
export type VersionOf = (destination: Destination) => string | undefined;

/**
 * Istio's standard metrics in a Prometheus, as clients report them. Counters are compared here and not by `increase()`,
 * which guesses what was before the first and after the last scrape.
 */
export function prometheus(url: string, versionOf: VersionOf): MetricsSource {
  const gains = new Map<string, SeriesGains>();
  const gainsOf = async (metric: string, signal: AbortSignal | undefined) => {
    const known = gains.get(metric) ?? new SeriesGains();
    gains.set(metric, known);
    const query = lastOf(metric, known.hasLooked ? lookback : firstLookback);
    const answer = await getJson(`${url}/api/v1/query`, new URLSearchParams({ query }), signal);
    return known.look(seriesOf(answer));
  };
  const read = async (destinations: readonly Destination[], signal: AbortSignal | undefined) => {
    const counters = destinations.map(async (one): Promise<[string, Counter]> => {
      const selector = selectorOf(one, versionOf(one));
      const [requests, buckets] = await Promise.all([
        gainsOf(`istio_requests_total${selector}`, signal),
        gainsOf(`istio_request_duration_milliseconds_bucket${selector}`, signal),
      ]);
      return [selector, { ...requestsOf(requests), durations: durationsOf(buckets) }];
    });
    return new Map(await Promise.all(counters));
  };
  const readLost = async (destinations: readonly Destination[], signal: AbortSignal | undefined) => {
    const hosts = new Set(destinations.filter((one) => versionOf(one) !== undefined).map(({ host }) => host));
    const counters = [...hosts].map(async (host): Promise<[string, Counter]> => {
      const lost = await gainsOf(`istio_requests_total${lostSelector(host)}`, signal);
      return [host, { succeeded: 0, failed: lost.reduce((sum, { value }) => sum + value, 0) }];
    });
    return new Map(await Promise.all(counters));
  };
  return {
    description: `the Prometheus at ${new URL(url).host}`,
    settleMs: usualScrapeMs,
    read: async (canary, stable, signal) => {
      const sides = { canary: await read(canary, signal), stable: await read(stable, signal) };
      const lost = await readLost(canary, signal);
      return { ...sides, lost, isUnknown: [...gains.values()].every((one) => one.isEmpty) };
    },
  };
}

/** What clients have counted is here with the next scrape; how often it scrapes them is not asked. */
const usualScrapeMs = 30_000;

/** A pod that does not answer some scrapes has no value until the next one. What it had counted before is no news then. */
const firstLookback = '1h';
const lookback = '5m';

function lastOf(series: string, since: string): string {
  return `last_over_time(${series}[${since}])`;
}

function selectorOf({ host }: Destination, version: string | undefined): string {
  const labels = { reporter: 'source', destination_service: host, ...(version && { destination_version: version }) };
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`;
}

/** Calls without an endpoint have no version: none was healthy, there were too many at once, or there is no such subset. */
function lostSelector(host: string): string {
  return `${selectorOf({ host, subset: undefined }, 'unknown').slice(0, -1)},response_flags=~"(.*,)?(UH|UO|NC)(,.*)?"}`;
}

/** A failure is a 5xx, or a gRPC status that is like one. 0 is of callers that did not wait for their answer. */
function requestsOf(series: readonly Series[]): { succeeded: number; failed: number } {
  let [succeeded, failed] = [0, 0];
  for (const { labels, value } of series) {
    const { response_code: code = '', grpc_response_status: grpc = '' } = labels;
    if (code.startsWith('5') || failedStatuses.has(grpc)) failed += value;
    else if (code !== '0') succeeded += value;
  }
  return { succeeded, failed };
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const failedStatuses = new Set(['2', '4', '12', '13', '14', '15']);

/** Prometheus counts in each bucket what is in those below it too. */
function durationsOf(series: readonly Series[]): ReadonlyMap<number, number> {
  const histograms = new Map<string, [number, number][]>();
  for (const { labels, value } of series) {
    const { le = '', ...rest } = labels;
    const key = keyOf(rest);
    histograms.set(key, [
      ...(histograms.get(key) ?? []),
      [le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value],
    ]);
  }
  const durations = new Map<number, number>();
  for (const cumulative of histograms.values()) {
    cumulative.sort(([a], [b]) => a - b);
    for (const [at, [bound, count]] of cumulative.entries()) {
      const more = Math.max(0, count - (cumulative[at - 1]?.[1] ?? 0));
      durations.set(bound, (durations.get(bound) ?? 0) + more);
    }
  }
  return durations;
}

/** @throws Error for what is no number: nobody is to be promoted by NaN requests */
function seriesOf(answer: unknown): Series[] {
  const data = isRecord(answer) && isRecord(answer.data) ? answer.data.result : undefined;
  if (!Array.isArray(data) || !data.every(isRecord)) throw new Error('the Prometheus answers with what is no vector');
  return data.map(({ metric, value }) => {
    const number =
      Array.isArray(value) && typeof value[1] === 'string' && value[1] !== '' ? Number(value[1]) : Number.NaN;
    if (!Number.isFinite(number))
      throw new Error(`the Prometheus has a counter without a number: ${JSON.stringify(value)}`);
    return { labels: (isRecord(metric) ? metric : {}) as Record<string, string>, value: number };
  });
}
