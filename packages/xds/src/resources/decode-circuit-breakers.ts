import type { CircuitBreakerThresholds, RetryBudgetSettings } from '@inmesh/core';
import { type CircuitBreakers, type CircuitBreakers_Thresholds, RoutingPriority } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { decodePercent } from './percents.js';

/** Envoy's defaults (circuit_breaker.proto). */
const defaults: CircuitBreakerThresholds = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
};

/** Istio writes the largest value that fits where it wants no limit. */
const unlimited = 0xffff_ffff;

/** The limits of the default priority: this mesh knows no other. */
export function decodeCircuitBreakers(
  message: CircuitBreakers | undefined,
  at: FieldScope,
): { circuitBreakers: CircuitBreakerThresholds; retryBudget: RetryBudgetSettings | undefined } {
  const thresholds = message?.thresholds ?? [];
  const index = thresholds.findIndex(({ priority }) => priority === RoutingPriority.DEFAULT);
  const found = thresholds[index];
  return {
    circuitBreakers: {
      maxConnections: limitOf(found?.maxConnections, defaults.maxConnections),
      maxPendingRequests: limitOf(found?.maxPendingRequests, defaults.maxPendingRequests),
      maxRequests: limitOf(found?.maxRequests, defaults.maxRequests),
      // A budget overrides the limit of retries (circuit_breaker.proto `retry_budget`).
      maxRetries: found?.retryBudget ? Number.POSITIVE_INFINITY : limitOf(found?.maxRetries, defaults.maxRetries),
    },
    retryBudget: found?.retryBudget && decodeBudget(found.retryBudget, at.field(`thresholds[${index}].retry_budget`)),
  };
}

/** Envoy: 20 percent of active and pending requests, at least 3 retries. */
function decodeBudget(
  budget: NonNullable<CircuitBreakers_Thresholds['retryBudget']>,
  at: FieldScope,
): RetryBudgetSettings {
  return {
    percent: decodePercent(budget.budgetPercent, 20, at.field('budget_percent')),
    minConcurrency: budget.minRetryConcurrency ?? 3,
  };
}

function limitOf(value: number | undefined, whenUnset: number): number {
  return value === unlimited ? Number.POSITIVE_INFINITY : (value ?? whenUnset);
}
