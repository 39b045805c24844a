import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/fixtures.js';
import { OutlierDetectionSchema } from '../messages.js';
import { decodeOutlierDetection } from './decode-outlier-detection.js';
import { FieldScope } from './field-scope.js';

const decode = (init: MessageInitShape<typeof OutlierDetectionSchema>) =>
  FieldScope.collect((at) => decodeOutlierDetection(create(OutlierDetectionSchema, init), at));

const seconds = (value: number) => ({ seconds: BigInt(value) });

describe('outlier detection', () => {
  it('has Envoy’s defaults', () => {
    expect(decode({})).toEqual({
      ok: true,
      warnings: [],
      value: {
        consecutive5xx: 5,
        enforcingConsecutive5xx: 100,
        consecutiveGatewayFailure: 5,
        enforcingConsecutiveGatewayFailure: 0,
        splitExternalLocalOriginErrors: false,
        consecutiveLocalOriginFailure: 5,
        enforcingConsecutiveLocalOriginFailure: 100,
        intervalMs: 10_000,
        baseEjectionTimeMs: 30_000,
        maxEjectionTimeMs: 300_000,
        maxEjectionTimeJitterMs: 0,
        maxEjectionPercent: 10,
        alwaysEjectOneHost: false,
        successRateMinimumHosts: 5,
        successRateRequestVolume: 100,
        successRateStdevFactor: 1900,
        enforcingSuccessRate: 100,
        enforcingLocalOriginSuccessRate: 100,
        failurePercentageThreshold: 85,
        failurePercentageMinimumHosts: 5,
        failurePercentageRequestVolume: 50,
        enforcingFailurePercentage: 0,
        enforcingFailurePercentageLocalOrigin: 0,
      },
    });
  });

  it('takes every field, zeros too', () => {
    const numbers = {
      consecutive5xx: 1,
      enforcingConsecutive5xx: 0,
      consecutiveGatewayFailure: 2,
      enforcingConsecutiveGatewayFailure: 3,
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailure: 4,
      enforcingConsecutiveLocalOriginFailure: 6,
      maxEjectionPercent: 100,
      alwaysEjectOneHost: true,
      successRateMinimumHosts: 7,
      successRateRequestVolume: 8,
      successRateStdevFactor: 9,
      enforcingSuccessRate: 0,
      enforcingLocalOriginSuccessRate: 10,
      failurePercentageThreshold: 11,
      failurePercentageMinimumHosts: 12,
      failurePercentageRequestVolume: 13,
      enforcingFailurePercentage: 14,
      enforcingFailurePercentageLocalOrigin: 15,
    };
    const result = decode({
      ...numbers,
      interval: seconds(1),
      baseEjectionTime: seconds(2),
      maxEjectionTime: seconds(3),
      maxEjectionTimeJitter: seconds(4),
    });
    expect(result).toEqual({
      ok: true,
      warnings: [],
      value: {
        ...numbers,
        intervalMs: 1000,
        baseEjectionTimeMs: 2000,
        maxEjectionTimeMs: 3000,
        maxEjectionTimeJitterMs: 4000,
      },
    });
  });

  it('never ends an ejection before its base time', () => {
    expect(decode({ baseEjectionTime: seconds(400) })).toMatchObject({ value: { maxEjectionTimeMs: 400_000 } });
    expect(problemsOf(decode({ baseEjectionTime: seconds(4), maxEjectionTime: seconds(3) }))).toEqual([
      'max_ejection_time: 3000 ms is less than base_ejection_time, 4000 ms',
    ]);
  });

  it.each([
    ['max_ejection_percent', { maxEjectionPercent: 101 }],
    ['enforcing_consecutive_5xx', { enforcingConsecutive5xx: 101 }],
    ['enforcing_consecutive_gateway_failure', { enforcingConsecutiveGatewayFailure: 101 }],
    ['enforcing_consecutive_local_origin_failure', { enforcingConsecutiveLocalOriginFailure: 101 }],
    ['enforcing_success_rate', { enforcingSuccessRate: 101 }],
    ['enforcing_local_origin_success_rate', { enforcingLocalOriginSuccessRate: 101 }],
    ['failure_percentage_threshold', { failurePercentageThreshold: 101 }],
    ['enforcing_failure_percentage', { enforcingFailurePercentage: 101 }],
    ['enforcing_failure_percentage_local_origin', { enforcingFailurePercentageLocalOrigin: 101 }],
  ])('refuses a %s of more than 100', (field, init) => {
    expect(problemsOf(decode(init))).toEqual([`${field}: 101 is more than 100 percent`]);
  });

  it.each([
    ['interval', { interval: {} }],
    ['base_ejection_time', { baseEjectionTime: {} }],
    ['max_ejection_time', { maxEjectionTime: {} }],
  ])('refuses no time as %s', (field, init) => {
    expect(problemsOf(decode(init))).toContain(`${field}: must be more than zero`);
  });
});
