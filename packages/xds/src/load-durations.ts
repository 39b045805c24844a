/**
 * The upper bounds of the buckets in which durations of requests are reported, in ms: those of Istio's
 * `istio_request_duration_milliseconds`, so that both tell the same.
 */
export const loadDurationBoundsMs: readonly number[] = Object.freeze([
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]);

const prefix = 'inmesh.request_duration_ms.le.';

/** LRS knows no histograms: each bucket is a load metric of its own, whose number of requests is its count. */
export function durationMetricName(bucket: number): string {
  return `${prefix}${loadDurationBoundsMs[bucket] ?? 'inf'}`;
}

const buckets = new Map([...loadDurationBoundsMs, Number.NaN].map((_, bucket) => [durationMetricName(bucket), bucket]));

/** Undefined for any other metric. */
export function durationBucketOf(metricName: string): number | undefined {
  return buckets.get(metricName);
}
