import type { OutlierDetection as OutlierDetectionModel } from '@inmesh/core';
import type { OutlierDetection } from '../messages.js';
import { decodeDuration, decodePositiveDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Envoy's longest ejection when none is set, unless the base is longer still (outlier_detection.proto). */
const defaultMaxEjectionMs = 300_000;

/** Envoy's defaults stand here, each beside its field. Which statuses are errors stands elsewhere in a cluster. */
export function decodeOutlierDetection(
  message: OutlierDetection,
  at: FieldScope,
): Omit<OutlierDetectionModel, 'errorStatuses'> {
  reportUnsupported(message, at);
  const percent = (name: string, value: number | undefined, whenUnset: number) =>
    checkPercent(value ?? whenUnset, at, name);
  return {
    consecutive5xx: message.consecutive5xx ?? 5,
    enforcingConsecutive5xx: percent('enforcing_consecutive_5xx', message.enforcingConsecutive5xx, 100),
    consecutiveGatewayFailure: message.consecutiveGatewayFailure ?? 5,
    enforcingConsecutiveGatewayFailure: percent(
      'enforcing_consecutive_gateway_failure',
      message.enforcingConsecutiveGatewayFailure,
      0,
    ),
    splitExternalLocalOriginErrors: message.splitExternalLocalOriginErrors,
    consecutiveLocalOriginFailure: message.consecutiveLocalOriginFailure ?? 5,
    enforcingConsecutiveLocalOriginFailure: percent(
      'enforcing_consecutive_local_origin_failure',
      message.enforcingConsecutiveLocalOriginFailure,
      100,
    ),
    ...decodeTimes(message, at),
    maxEjectionPercent: percent('max_ejection_percent', message.maxEjectionPercent, 10),
    alwaysEjectOneHost: message.alwaysEjectOneHost ?? false,
    successRateMinimumHosts: message.successRateMinimumHosts ?? 5,
    successRateRequestVolume: message.successRateRequestVolume ?? 100,
    successRateStdevFactor: message.successRateStdevFactor ?? 1900,
    enforcingSuccessRate: percent('enforcing_success_rate', message.enforcingSuccessRate, 100),
    enforcingLocalOriginSuccessRate: percent(
      'enforcing_local_origin_success_rate',
      message.enforcingLocalOriginSuccessRate,
      100,
    ),
    failurePercentageThreshold: percent('failure_percentage_threshold', message.failurePercentageThreshold, 85),
    failurePercentageMinimumHosts: message.failurePercentageMinimumHosts ?? 5,
    failurePercentageRequestVolume: message.failurePercentageRequestVolume ?? 50,
    enforcingFailurePercentage: percent('enforcing_failure_percentage', message.enforcingFailurePercentage, 0),
    enforcingFailurePercentageLocalOrigin: percent(
      'enforcing_failure_percentage_local_origin',
      message.enforcingFailurePercentageLocalOrigin,
      0,
    ),
  };
}

type Times = Pick<
  OutlierDetectionModel,
  'intervalMs' | 'baseEjectionTimeMs' | 'maxEjectionTimeMs' | 'maxEjectionTimeJitterMs'
>;

function decodeTimes(message: OutlierDetection, at: FieldScope): Times {
  const baseEjectionTimeMs = decodePositiveDuration(message.baseEjectionTime, 30_000, at.field('base_ejection_time'));
  const scope = at.field('max_ejection_time');
  const longest = Math.max(defaultMaxEjectionMs, baseEjectionTimeMs);
  const maxEjectionTimeMs = decodePositiveDuration(message.maxEjectionTime, longest, scope);
  if (maxEjectionTimeMs < baseEjectionTimeMs) {
    scope.error(`${maxEjectionTimeMs} ms is less than base_ejection_time, ${baseEjectionTimeMs} ms`);
  }
  return {
    intervalMs: decodePositiveDuration(message.interval, 10_000, at.field('interval')),
    baseEjectionTimeMs,
    maxEjectionTimeMs,
    maxEjectionTimeJitterMs: decodeDuration(message.maxEjectionTimeJitter, 0, at.field('max_ejection_time_jitter')),
  };
}

function checkPercent(value: number, at: FieldScope, name: string): number {
  if (value > 100) at.field(name).error(`${value} is more than 100 percent`);
  return value;
}
