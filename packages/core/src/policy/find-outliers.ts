import type { ClusterHost } from '../cluster-view.js';
import type { OutlierDetection } from '../model/cluster.js';
import type { HostMonitor, ResultCounter } from './host-monitor.js';
import type { OutlierKind } from './outlier-kind.js';
import { successRateThreshold } from './success-rate.js';

/** A host whose results stand out, and by which measure. */
export interface Outlier {
  readonly host: ClusterHost;
  readonly monitor: HostMonitor;
  readonly kind: OutlierKind;
}

type Origin = 'external' | 'local';

interface Candidate {
  readonly host: ClusterHost;
  readonly monitor: HostMonitor;
  readonly results: ResultCounter;
}

const kinds = {
  external: { successRate: 'success_rate', failurePercentage: 'failure_percentage' },
  local: { successRate: 'local_origin_success_rate', failurePercentage: 'local_origin_failure_percentage' },
} as const satisfies Record<Origin, Record<string, OutlierKind>>;

/** Judges the hosts that take part by their results since the last sweep; one host may stand out by both measures. */
export function findOutliers(
  origin: Origin,
  hosts: ReadonlyMap<string, ClusterHost>,
  settings: OutlierDetection,
): Outlier[] {
  const { successRateMinimumHosts, failurePercentageMinimumHosts } = settings;
  if (hosts.size < Math.min(successRateMinimumHosts, failurePercentageMinimumHosts)) return [];
  const candidates: Candidate[] = [];
  for (const host of hosts.values()) {
    const { monitor } = host;
    if (monitor !== undefined && !host.ejected) candidates.push({ host, monitor, results: monitor[origin] });
  }
  const { successRate, failurePercentage } = kinds[origin];
  return [
    ...successRateOutliers(candidates, settings).map((found) => ({ ...found, kind: successRate })),
    ...failurePercentageOutliers(candidates, settings).map((found) => ({ ...found, kind: failurePercentage })),
  ];
}

/** Hosts whose success rate is far below that of the others; none while too few hosts have had enough requests. */
function successRateOutliers(candidates: readonly Candidate[], settings: OutlierDetection): Candidate[] {
  const counted = withVolume(candidates, settings.successRateRequestVolume);
  if (counted.length === 0 || counted.length < settings.successRateMinimumHosts) return [];
  const rates = counted.map(({ results }) => results.successRate);
  const threshold = successRateThreshold(rates, settings.successRateStdevFactor / 1000);
  return counted.filter((_, index) => rates[index]! < threshold);
}

/** Hosts that fail at least so many percent of their requests, whatever the others do. */
function failurePercentageOutliers(candidates: readonly Candidate[], settings: OutlierDetection): Candidate[] {
  const counted = withVolume(candidates, settings.failurePercentageRequestVolume);
  if (counted.length < settings.failurePercentageMinimumHosts) return [];
  return counted.filter(({ results }) => 100 - results.successRate >= settings.failurePercentageThreshold);
}

function withVolume(candidates: readonly Candidate[], volume: number): Candidate[] {
  return candidates.filter(({ results }) => results.total > 0 && results.total >= volume);
}
