import { create } from '@bufbuild/protobuf';
import { type OutlierDetection, OutlierDetectionSchema } from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { OutlierDetection as Rule } from '../schema/destination-rule.js';

/**
 * As Istio writes it (cluster_traffic_policy.go `applyOutlierDetection`): by success rate nothing is ejected; gateway errors
 * count only when they are given; a count of 0 turns its detector off. The rest is Envoy's default.
 */
export function buildOutlierDetection(rule: Rule): OutlierDetection {
  return create(OutlierDetectionSchema, {
    enforcingSuccessRate: 0,
    ...consecutive5xxOf(rule.consecutive5xxErrors),
    ...gatewayErrorsOf(rule.consecutiveGatewayErrors),
    ...durationField('interval', rule.interval),
    ...durationField('baseEjectionTime', rule.baseEjectionTime),
    // Istio cannot tell 0 from a field that is not given.
    ...(rule.maxEjectionPercent && { maxEjectionPercent: rule.maxEjectionPercent }),
    ...localOriginOf(rule),
  });
}

function consecutive5xxOf(count: number | undefined) {
  return count === undefined ? {} : { consecutive5xx: count, enforcingConsecutive5xx: count > 0 ? 100 : 0 };
}

function gatewayErrorsOf(count: number | undefined) {
  if (count === undefined) return {};
  return { consecutiveGatewayFailure: count, enforcingConsecutiveGatewayFailure: count > 0 ? 100 : 0 };
}

function localOriginOf({ splitExternalLocalOriginErrors, consecutiveLocalOriginFailures: count }: Rule) {
  if (splitExternalLocalOriginErrors !== true) return {};
  return {
    splitExternalLocalOriginErrors,
    ...(count && { consecutiveLocalOriginFailure: count, enforcingConsecutiveLocalOriginFailure: 100 }),
    enforcingLocalOriginSuccessRate: 0,
  };
}

function durationField<Name extends string>(name: Name, written: string | undefined) {
  const parsed = parseGoDuration(written ?? '');
  return parsed.ok ? { [name]: parsed.duration } : {};
}
