import fc from 'fast-check';
import { expect, it } from 'vitest';
import { successRateThreshold } from './success-rate.js';

it('is Envoy’s published vector: four at 100 and one at 50 give a threshold of 52', () => {
  expect(successRateThreshold([100, 100, 100, 100, 50], 1.9)).toBe(52);
  expect(successRateThreshold([50, 100, 100, 100, 100], 0)).toBe(90);
});

it('is the rate itself where all hosts do alike', () => {
  expect(successRateThreshold([80, 80, 80], 1.9)).toBe(80);
});

it('is never above the mean, and falls with the factor: never do all hosts lie below it', () => {
  const rates = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 20 });
  const factor = fc.double({ min: 0, max: 5, noNaN: true });
  fc.assert(
    fc.property(rates, factor, factor, (list, one, other) => {
      const mean = list.reduce((sum, rate) => sum + rate, 0) / list.length;
      expect(successRateThreshold(list, one)).toBeLessThanOrEqual(mean);
      expect(successRateThreshold(list, Math.max(one, other))).toBeLessThanOrEqual(
        successRateThreshold(list, Math.min(one, other)),
      );
      expect(Math.max(...list)).toBeGreaterThanOrEqual(successRateThreshold(list, one) - 1e-9);
    }),
  );
});
