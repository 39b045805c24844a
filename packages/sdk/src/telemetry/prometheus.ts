import { MeshError } from '@inmesh/core';
import { Counter, Gauge, Histogram, type OpenMetricsContentType, type Registry } from 'prom-client';
import type { GuardEvent } from '../guard/guard-event.js';
import { registerClusterMetrics } from './cluster-metrics.js';
import { metricNameTaken } from './metric-name-taken.js';
import { guardLabelNames, type IstioLabelName, istioBucketsMs, istioLabelNames, metricNames } from './names.js';
import type { TelemetryPlugin } from './plugin.js';
import { countDecision } from './policy-decisions.js';
import { RequestMetrics } from './request-metrics.js';
import { type Series, SeriesStore } from './series-store.js';

type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

export interface PrometheusOptions {
  /** The registry that the process serves its metrics from. */
  readonly register: AnyRegistry;
  /**
   * Most combinations of labels of the request metrics, those beyond it counted together as `other`, and most series of all
   * `envoy_cluster_*` metrics, clusters beyond it left out. Default 2000.
   */
  readonly maxSeries?: number;
  /** Upper bounds of the duration histogram in ms, ascending. Default: Istio's, 0.5 ms to 1 h. */
  readonly buckets?: readonly number[];
}

/**
 * Istio's standard metrics of every call that this process makes and answers, Envoy's statistics of the clusters that it
 * calls (`envoy_cluster_*`: breakers, retries, outlier detection), and a counter of guarded functions. Meshes
 * that share a registry share its metrics; the first one's limits hold.
 */
export function prometheus({
  register,
  maxSeries = 2000,
  buckets = istioBucketsMs,
}: PrometheusOptions): TelemetryPlugin {
  requireValid(maxSeries, buckets);
  return {
    create({ workload, snapshots, identity }) {
      const ownPrincipal = () => identity?.current?.certificate?.identity.spiffeId;
      const requests = new RequestMetrics(workload, requestSeries(register, maxSeries, buckets), ownPrincipal);
      const guards = guardCalls(register);
      const close = registerClusterMetrics(register, snapshots, maxSeries);
      return {
        callStarted: (call, side) => requests.callStarted(call, side),
        policyDecided: (_call, decision) => countDecision(register, decision),
        guardCallEnded: ({ name, outcome }: GuardEvent) => guards.inc({ guard: name, outcome }),
        connectionRefused: (reason) => refused(register, 'connectionsRefused').inc({ reason }),
        tokenRefused: (reason) => refused(register, 'requestsUnauthenticated').inc({ reason }),
        rateLimitStoreChanged: (answering) => storeUp(register).set(answering ? 1 : 0),
        close,
      };
    },
  };
}

/** Made when a mesh has a store: without one there is nothing to tell. */
function storeUp(register: AnyRegistry): Gauge {
  const name = metricNames.rateLimitStoreUp;
  const known = register.getSingleMetric(name);
  if (known instanceof Gauge) return known;
  const help = '1 while the store of rate limits of the whole mesh answers, 0 while each process counts.';
  return new Gauge({ name, help, registers: [register as Registry] });
}

const refusals = {
  connectionsRefused: 'Incoming connections that were refused before any request.',
  requestsUnauthenticated: 'Incoming requests that were refused for their token, or for the lack of one.',
} as const;

/** Made at the first refusal; the reasons are a closed list. */
function refused(register: AnyRegistry, kind: keyof typeof refusals): Counter<'reason'> {
  const name = metricNames[kind];
  const known = register.getSingleMetric(name) as Counter<'reason'> | undefined;
  if (known !== undefined) return known;
  return new Counter({ name, help: refusals[kind], labelNames: ['reason'], registers: [register as Registry] });
}

function requireValid(maxSeries: number, buckets: readonly number[]): void {
  const problems: string[] = [];
  if (!Number.isInteger(maxSeries) || maxSeries < 1)
    problems.push(`maxSeries: ${maxSeries} is not a whole number from 1 up`);
  const ascending = buckets.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > buckets[i - 1]!));
  if (!ascending || buckets.length === 0) problems.push('buckets: not a list of ascending numbers');
  if (problems.length > 0) throw new MeshError('invalid_request', { message: `prometheus: ${problems.join('; ')}` });
}

/** By key and not by class, so that a second copy of this package finds the first one's numbers. */
const storeKey = Symbol.for('inmesh.series-store.1');

function requestSeries(register: AnyRegistry, maxSeries: number, buckets: readonly number[]): SeriesStore {
  const existing = register.getSingleMetric(metricNames.requests) as { [storeKey]?: SeriesStore } | undefined;
  if (existing?.[storeKey] !== undefined) return existing[storeKey];
  if (existing !== undefined) throw metricNameTaken(metricNames.requests);
  const store = new SeriesStore(maxSeries, buckets);
  new RequestCounter(register, store);
  new RequestDuration(register, store);
  return store;
}

function guardCalls(register: AnyRegistry): Counter<(typeof guardLabelNames)[number]> {
  const name = metricNames.guardCalls;
  const existing = register.getSingleMetric(name) as Counter<(typeof guardLabelNames)[number]> | undefined;
  if (existing !== undefined) return existing;
  return new Counter({ name, help: 'Calls of guarded functions.', labelNames: guardLabelNames, registers: [register] });
}

class RequestCounter extends Counter<IstioLabelName> {
  readonly [storeKey]: SeriesStore;

  constructor(register: AnyRegistry, store: SeriesStore) {
    super({
      name: metricNames.requests,
      help: 'Requests by peers and outcome.',
      labelNames: istioLabelNames,
      registers: [register],
    });
    this[storeKey] = store;
  }

  override async get() {
    const values = Array.from(this[storeKey], ({ labels, count }) => ({ labels: { ...labels }, value: count }));
    return { ...(await super.get()), values };
  }

  override reset(): void {
    super.reset();
    this[storeKey]?.reset(); // prom-client resets in its constructor, before there is a store
  }
}

interface HistogramLine {
  metricName: string;
  value: number;
  labels: { le?: number | '+Inf' };
  /** prom-client formats these once for each object and keeps the text. */
  sharedLabels: object;
}

class RequestDuration extends Histogram<IstioLabelName> {
  readonly #store: SeriesStore;

  constructor(register: AnyRegistry, store: SeriesStore) {
    super({
      name: metricNames.requestDuration,
      help: 'Time from the first byte of a request to the last of its response, in milliseconds.',
      labelNames: istioLabelNames,
      buckets: [...store.bounds],
      registers: [register],
    });
    this.#store = store;
  }

  /** What prom-client 15 takes a histogram's lines from; its `get` calls this and spreads the shared labels. */
  async getForPromString() {
    const { name, help, type, aggregator } = this as unknown as Record<'name' | 'help' | 'type' | 'aggregator', string>;
    return { name, help, type, aggregator, values: Array.from(this.#store, linesOf).flat() };
  }
}

function linesOf({ labels: sharedLabels, bucketCounts, sum, count, bounds }: Series): HistogramLine[] {
  const name = metricNames.requestDuration;
  let below = 0;
  const lines: HistogramLine[] = bounds.map((le, i) => {
    below += bucketCounts[i]!;
    return { metricName: `${name}_bucket`, value: below, labels: { le }, sharedLabels };
  });
  lines.push({ metricName: `${name}_bucket`, value: count, labels: { le: '+Inf' }, sharedLabels });
  lines.push({ metricName: `${name}_sum`, value: sum, labels: {}, sharedLabels });
  lines.push({ metricName: `${name}_count`, value: count, labels: {}, sharedLabels });
  return lines;
}
