import type { Cluster, OutlierDetection } from '@inmesh/xds/messages';

/**
 * Envoy's. gRPC for Node has the same, but loses them when any of a detector's fields is given: it compares with nothing then,
 * and ejects nobody.
 */
const defaults = {
  enforcingSuccessRate: 100,
  successRateMinimumHosts: 5,
  successRateRequestVolume: 100,
  successRateStdevFactor: 1900,
  failurePercentageThreshold: 85,
  failurePercentageMinimumHosts: 5,
  failurePercentageRequestVolume: 50,
} satisfies Partial<OutlierDetection>;

const defaultNames = Object.keys(defaults) as (keyof typeof defaults)[];

const shareNames = [
  'maxEjectionPercent',
  'enforcingSuccessRate',
  'failurePercentageThreshold',
  'enforcingFailurePercentage',
] as const;

/**
 * gRPC ejects by success rate and by failure percentage alone (gRFC A50): consecutive errors count for nobody there. It
 * refuses a share above 100.
 */
export function asGrpcOutliers(cluster: Cluster): Cluster {
  if (cluster.outlierDetection === undefined) return cluster;
  const outlierDetection = { ...cluster.outlierDetection };
  for (const name of defaultNames) outlierDetection[name] ??= defaults[name];
  for (const name of shareNames) {
    const share = outlierDetection[name];
    if (share !== undefined && share > 100) outlierDetection[name] = 100;
  }
  return { ...cluster, outlierDetection };
}
