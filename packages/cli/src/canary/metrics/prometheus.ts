import { isRecord } from '@inmesh/config';
import type { Counter, Counters } from '../analysis/tally.js';
import type { Destination } from '../routes/destination.js';
import { getJson } from './get-json.js';
import type { MetricsSource } from './metrics-source.js';

/** The label `version` of the pods of a subset, which is all that Istio's metrics know of subsets. */
export type VersionOf = (destination: Destination) => string | undefined;

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Istio's standard metrics in a Prometheus, as clients report them. Counters are compared here and not by `increase()`,
 * which guesses what was before the first and after the last scrape.
 */
export function prometheus(url: string, versionOf: VersionOf): MetricsSource {
  const query = async (text: string) =>
    seriesOf(await getJson(`${url}/api/v1/query`, new URLSearchParams({ query: text })));
  const readOne = async (destination: Destination): Promise<Counters> => {
    const selector = selectorOf(destination, versionOf(destination));
    const [requests, buckets] = await Promise.all([
      query(`istio_requests_total${selector}`),
      query(`istio_request_duration_milliseconds_bucket${selector}`),
    ]);
    return new Map([...requests.map(requestCounter), ...durationCounters(buckets)]);
  };
  const read = async (destinations: readonly Destination[]) =>
    new Map((await Promise.all(destinations.map(readOne))).flatMap((counters) => [...counters]));
  return {
    description: `the Prometheus at ${new URL(url).host}`,
    read: async (canary, stable) => ({ canary: await read(canary), stable: await read(stable) }),
  };
}

function selectorOf({ host }: Destination, version: string | undefined): string {
  const labels = { reporter: 'source', destination_service: host, ...(version && { destination_version: version }) };
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`;
}

/** A failure is a 5xx, or a gRPC status that is like one. 0 is of callers that did not wait for their answer. */
function requestCounter({ labels, value }: Series): [string, Counter] {
  const { response_code: code = '', grpc_response_status: grpc = '' } = labels;
  const hasFailed = code.startsWith('5') || failedStatuses.has(grpc);
  const hasSucceeded = !hasFailed && code !== '0';
  return [`requests ${keyOf(labels)}`, { succeeded: hasSucceeded ? value : 0, failed: hasFailed ? value : 0 }];
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const failedStatuses = new Set(['2', '4', '12', '13', '14', '15']);

/** Prometheus counts in each bucket what is in those below it too. */
function durationCounters(series: readonly Series[]): [string, Counter][] {
  const histograms = new Map<string, [number, number][]>();
  for (const { labels, value } of series) {
    const { le = '', ...rest } = labels;
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    const key = keyOf(rest);
    histograms.set(key, [...(histograms.get(key) ?? []), [bound, value]]);
  }
  return [...histograms].map(([key, cumulative]) => {
    cumulative.sort(([a], [b]) => a - b);
    const durations = cumulative.map(([bound, count], at): [number, number] => [
      bound,
      Math.max(0, count - (cumulative[at - 1]?.[1] ?? 0)),
    ]);
    return [`durations ${key}`, { succeeded: 0, failed: 0, durations: new Map(durations) }];
  });
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function seriesOf(answer: unknown): Series[] {
  const data = isRecord(answer) && isRecord(answer.data) ? answer.data.result : undefined;
  if (!Array.isArray(data)) throw new Error('the Prometheus answers with what is no vector');
  return data.filter(isRecord).map(({ metric, value }) => ({
    labels: (isRecord(metric) ? metric : {}) as Record<string, string>,
    value: Number(Array.isArray(value) ? value[1] : Number.NaN),
  }));
}
