import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ClusterSchema, OutlierDetectionSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { asGrpcOutliers } from './outlier-detection.js';

function outliersOf(given: MessageInitShape<typeof OutlierDetectionSchema>) {
  const cluster = create(ClusterSchema, { outlierDetection: create(OutlierDetectionSchema, given) });
  return asGrpcOutliers(cluster).outlierDetection;
}

describe('The outlier detection of a cluster for gRPC', () => {
  it('has the numbers that gRPC for Node forgets beside others', () => {
    expect(outliersOf({ successRateMinimumHosts: 3, enforcingFailurePercentage: 100 })).toMatchObject({
      enforcingSuccessRate: 100,
      successRateMinimumHosts: 3,
      successRateRequestVolume: 100,
      successRateStdevFactor: 1900,
      enforcingFailurePercentage: 100,
      failurePercentageThreshold: 85,
      failurePercentageMinimumHosts: 5,
      failurePercentageRequestVolume: 50,
    });
  });

  it('leaves a detector off that is off', () => {
    const outliers = outliersOf({ enforcingSuccessRate: 0 });
    expect(outliers?.enforcingSuccessRate).toBe(0);
    expect(outliers?.enforcingFailurePercentage).toBeUndefined();
  });

  it('has no share above 100', () => {
    expect(outliersOf({ maxEjectionPercent: 200 })).toMatchObject({ maxEjectionPercent: 100 });
  });

  it('is absent where there is none', () => {
    const cluster = create(ClusterSchema, {});
    expect(asGrpcOutliers(cluster)).toBe(cluster);
  });
});
