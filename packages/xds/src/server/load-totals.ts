import { durationBucketOf, loadDurationBoundsMs } from '../load-durations.js';
import type { ClusterStats } from '../messages.js';

/** All that clients reported of one cluster. It only ever grows. */
export interface LoadTotal {
  readonly cluster: string;
  readonly issued: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Requests that were not sent anywhere. */
  readonly dropped: number;
  /**
   * How many requests took how long: up to each bound of `loadDurationBoundsMs` (and longer than the one before), and above
   * all of them. Undefined when no client has reported durations: Envoy and gRPC do not.
   */
  readonly durations?: readonly number[];
}

interface Counts {
  issued: number;
  succeeded: number;
  failed: number;
  dropped: number;
  durations?: number[];
}

/** A client may make names up. */
const maxClusters = 10_000;

/** Adds reports up, for those who compare two moments: reports replace each other, sums do not. */
export class LoadTotals {
  readonly #byCluster = new Map<string, Counts>();

  get all(): LoadTotal[] {
    return [...this.#byCluster].map(([cluster, counts]) => ({ cluster, ...counts }));
  }

  add({ clusterName, totalDroppedRequests, upstreamLocalityStats }: ClusterStats): void {
    const counts = this.#countsOf(clusterName);
    if (counts === undefined) return;
    counts.dropped += Number(totalDroppedRequests);
    for (const stats of upstreamLocalityStats) {
      counts.issued += Number(stats.totalIssuedRequests);
      counts.succeeded += Number(stats.totalSuccessfulRequests);
      counts.failed += Number(stats.totalErrorRequests);
      for (const { metricName, numRequestsFinishedWithMetric } of stats.loadMetricStats) {
        const bucket = durationBucketOf(metricName);
        if (bucket === undefined) continue;
        counts.durations ??= new Array<number>(loadDurationBoundsMs.length + 1).fill(0);
        counts.durations[bucket]! += Number(numRequestsFinishedWithMetric);
      }
    }
  }

  #countsOf(cluster: string): Counts | undefined {
    const known = this.#byCluster.get(cluster);
    if (known !== undefined || this.#byCluster.size >= maxClusters) return known;
    const counts: Counts = { issued: 0, succeeded: 0, failed: 0, dropped: 0 };
    this.#byCluster.set(cluster, counts);
    return counts;
  }
}
