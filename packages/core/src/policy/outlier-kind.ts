import type { OutlierDetection } from '../model/cluster.js';

/** Why a host is an outlier, as Envoy's statistics name it. */
export type OutlierKind =
  | 'consecutive_5xx'
  | 'consecutive_gateway_failure'
  | 'consecutive_local_origin_failure'
  | 'success_rate'
  | 'local_origin_success_rate'
  | 'failure_percentage'
  | 'local_origin_failure_percentage';

const enforcingPercents = {
  consecutive_5xx: 'enforcingConsecutive5xx',
  consecutive_gateway_failure: 'enforcingConsecutiveGatewayFailure',
  consecutive_local_origin_failure: 'enforcingConsecutiveLocalOriginFailure',
  success_rate: 'enforcingSuccessRate',
  local_origin_success_rate: 'enforcingLocalOriginSuccessRate',
  failure_percentage: 'enforcingFailurePercentage',
  local_origin_failure_percentage: 'enforcingFailurePercentageLocalOrigin',
} as const satisfies Record<OutlierKind, keyof OutlierDetection>;

export const outlierKinds = Object.keys(enforcingPercents) as readonly OutlierKind[];

/** The chance, in percent, that an ejection of this kind is carried out. */
export function enforcingPercent(settings: OutlierDetection, kind: OutlierKind): number {
  return settings[enforcingPercents[kind]];
}

/** Counts since the cluster came to be (Envoy `cluster.NAME.outlier_detection.ejections_*`). */
export class OutlierCounters {
  enforcedTotal = 0;
  /** Detected, but more hosts than the maximum would have been out. */
  overflow = 0;
  readonly detected = zeroes();
  readonly enforced = zeroes();
}

function zeroes(): Record<OutlierKind, number> {
  return Object.fromEntries(outlierKinds.map((kind) => [kind, 0])) as Record<OutlierKind, number>;
}
