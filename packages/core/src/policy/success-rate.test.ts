import { expect, it } from 'vitest';
import { successRateThreshold } from './success-rate.js';

it('is Envoy’s published vector: four at 100 and one at 50 give a threshold of 52', () => {
  expect(successRateThreshold([100, 100, 100, 100, 50], 1.9)).toBe(52);
  expect(successRateThreshold([50, 100, 100, 100, 100], 0)).toBe(90);
});

it('is the rate itself where all hosts do alike', () => {
  expect(successRateThreshold([80, 80, 80], 1.9)).toBe(80);
});
