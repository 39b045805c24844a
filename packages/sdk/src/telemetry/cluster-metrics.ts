import type { ClusterView, SnapshotHolder } from '@inmesh/core';
import { Counter, Gauge, type OpenMetricsContentType, type Registry } from 'prom-client';
import { type ClusterMetric, clusterMetrics, hasTraffic } from './cluster-metric-table.js';
import { metricNameTaken } from './metric-name-taken.js';
import { clusterLabelName, metricNames } from './names.js';

type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

interface Line {
  readonly labels: { readonly [clusterLabelName]: string };
  readonly value: number;
}

/** By key and not by class, so that a second copy of this package finds the first one's numbers. */
const collectorKey = Symbol.for('inmesh.cluster-metrics.1');

/** Reads the clusters of all meshes that share a registry, once for each scrape. */
class ClusterCollector {
  readonly #sources = new Set<SnapshotHolder>();
  #scrape: { readonly lines: ReadonlyMap<string, Line[]>; readonly omitted: number } | undefined;

  constructor(private readonly maxSeries: number) {}

  add(source: SnapshotHolder): () => void {
    this.#sources.add(source);
    return () => this.#sources.delete(source);
  }

  linesOf(metric: string): Line[] {
    return this.#read().lines.get(metric) ?? [];
  }

  /** Clusters with traffic that there is no room for. */
  get omitted(): number {
    return this.#read().omitted;
  }

  #read() {
    if (this.#scrape === undefined) {
      this.#scrape = this.#collect();
      // A registry asks all its metrics in one go.
      queueMicrotask(() => {
        this.#scrape = undefined;
      });
    }
    return this.#scrape;
  }

  #collect() {
    const lines = new Map<string, Line[]>(clusterMetrics.map(({ name }) => [name, []]));
    let series = 0;
    let omitted = 0;
    for (const [name, views] of this.#clusters()) {
      const values = clusterMetrics.flatMap((metric) => {
        const value = sum(metric, views);
        return value === undefined ? [] : [{ metric: metric.name, value }];
      });
      if (series + values.length > this.maxSeries) {
        omitted += 1;
        continue;
      }
      series += values.length;
      const labels = { [clusterLabelName]: name };
      for (const { metric, value } of values) lines.get(metric)!.push({ labels, value });
    }
    return { lines, omitted };
  }

  #clusters(): Map<string, ClusterView[]> {
    const clusters = new Map<string, ClusterView[]>();
    for (const { current } of this.#sources) {
      for (const view of current.clusters.values()) {
        if (!hasTraffic(view)) continue;
        const views = clusters.get(view.cluster.name);
        if (views === undefined) clusters.set(view.cluster.name, [view]);
        else views.push(view);
      }
    }
    return clusters;
  }
}

/** Undefined when no view has a value. */
function sum({ read }: ClusterMetric, views: readonly ClusterView[]): number | undefined {
  let total: number | undefined;
  for (const view of views) {
    const value = read(view);
    if (value !== undefined) total = (total ?? 0) + value;
  }
  return total;
}

/** Has the registry tell of the clusters of a mesh; returns what ends it. The limit of the first mesh of a registry holds. */
export function registerClusterMetrics(register: AnyRegistry, source: SnapshotHolder, maxSeries: number): () => void {
  const existing = register.getSingleMetric(metricNames.clustersWithoutMetrics);
  const known = (existing as { [collectorKey]?: ClusterCollector } | undefined)?.[collectorKey];
  return (known ?? createMetrics(register, maxSeries)).add(source);
}

function createMetrics(register: AnyRegistry, maxSeries: number): ClusterCollector {
  for (const { name } of clusterMetrics) if (register.getSingleMetric(name) !== undefined) throw metricNameTaken(name);
  const collector = new ClusterCollector(maxSeries);
  for (const { name, help, type } of clusterMetrics) {
    const configuration = { name, help, labelNames: [clusterLabelName], registers: [register] };
    const metric = type === 'counter' ? new Counter(configuration) : new Gauge(configuration);
    readFrom(metric, () => collector.linesOf(name));
  }
  const omitted = new Gauge({
    name: metricNames.clustersWithoutMetrics,
    help: 'Clusters with traffic that envoy_cluster_* metrics leave out for want of room.',
    registers: [register],
  });
  readFrom(omitted, () => [{ labels: {}, value: collector.omitted }]);
  Object.defineProperty(omitted, collectorKey, { value: collector });
  return collector;
}

/** The numbers stay where they are counted; prom-client asks for them in its own shape. */
function readFrom(metric: Counter | Gauge, read: () => { labels: object; value: number }[]): void {
  const describe = metric.get.bind(metric);
  Object.defineProperty(metric, 'get', {
    value: async () => {
      const values = read();
      return { ...(await describe()), values };
    },
  });
}
