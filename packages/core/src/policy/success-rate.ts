/**
 * Below which success rate a host is an outlier: the mean less `stdevFactor` population standard deviations (Envoy
 * outlier_detection_impl.cc). Of 100, 100, 100, 100 and 50 with 1.9: 90 - 1.9 * 20 = 52.
 * @param rates in percent, at least one
 */
export function successRateThreshold(rates: readonly number[], stdevFactor: number): number {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - stdevFactor * Math.sqrt(variance);
}
