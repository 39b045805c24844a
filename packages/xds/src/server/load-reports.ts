import type { Duration } from '@bufbuild/protobuf/wkt';
import type { ClusterStats, Locality, UpstreamLocalityStats } from '../messages.js';

/** What a client sent to one locality of a cluster since its report before. */
export interface LocalityLoad {
  /** `region/zone/subZone`, without the parts that are empty. */
  readonly locality: string;
  readonly priority: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly issued: number;
  /** At the moment of the report. */
  readonly inProgress: number;
}

/** What a client sent to one cluster since its report before. */
export interface ClusterLoad {
  readonly cluster: string;
  /** Requests that were not sent anywhere. */
  readonly dropped: number;
  readonly intervalMs: number;
  readonly localities: readonly LocalityLoad[];
}

export interface LoadReport extends ClusterLoad {
  readonly nodeId: string;
  /** On the scale of the server's `now`. */
  readonly receivedAtMs: number;
}

/** A client may make names up. */
const maxClusters = 10_000;

/** The latest report of one client for each cluster. */
export class LoadReports {
  readonly #byCluster = new Map<string, LoadReport>();

  get all(): readonly LoadReport[] {
    return [...this.#byCluster.values()];
  }

  /** @returns whether there was room for it */
  put(report: LoadReport): boolean {
    if (!this.#byCluster.has(report.cluster) && this.#byCluster.size >= maxClusters) return false;
    this.#byCluster.set(report.cluster, report);
    return true;
  }
}

export function readClusterStats(stats: ClusterStats): ClusterLoad {
  return {
    cluster: stats.clusterName,
    dropped: Number(stats.totalDroppedRequests),
    intervalMs: millisecondsOf(stats.loadReportInterval),
    localities: stats.upstreamLocalityStats.map(readLocalityStats),
  };
}

function readLocalityStats(stats: UpstreamLocalityStats): LocalityLoad {
  return {
    locality: nameOf(stats.locality),
    priority: stats.priority,
    succeeded: Number(stats.totalSuccessfulRequests),
    failed: Number(stats.totalErrorRequests),
    issued: Number(stats.totalIssuedRequests),
    inProgress: Number(stats.totalRequestsInProgress),
  };
}

function nameOf(locality: Locality | undefined): string {
  return [locality?.region, locality?.zone, locality?.subZone].filter(Boolean).join('/');
}

function millisecondsOf(duration: Duration | undefined): number {
  return Number(duration?.seconds ?? 0n) * 1000 + (duration?.nanos ?? 0) / 1e6;
}
