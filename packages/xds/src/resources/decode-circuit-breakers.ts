import type { CircuitBreakerSettings, CircuitBreakerThresholds, RetryBudgetSettings } from '@inmesh/core';
import { type CircuitBreakers, type CircuitBreakers_Thresholds, RoutingPriority } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
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

/** A priority that is not mentioned has Envoy's defaults, not the limits of the other one. */
export function decodeCircuitBreakers(
  message: CircuitBreakers | undefined,
  at: FieldScope,
): { circuitBreakers: CircuitBreakerSettings; retryBudget: RetryBudgetSettings | undefined } {
  if (message === undefined) return { circuitBreakers: { default: defaults, high: defaults }, retryBudget: undefined };
  reportUnsupported(message, at);
  const { thresholds } = message;
  // The first of a priority counts (Envoy upstream_impl.cc).
  const normal = thresholds.findIndex(({ priority }) => priority === RoutingPriority.DEFAULT);
  const high = thresholds.findIndex(({ priority }) => priority === RoutingPriority.HIGH);
  const budget = thresholds[normal]?.retryBudget;
  if (thresholds[high]?.retryBudget) {
    at.field(`thresholds[${high}].retry_budget`).warn('is ignored: there is one budget, that of the default priority');
  }
  return {
    circuitBreakers: { default: decodeThresholds(thresholds[normal]), high: decodeThresholds(thresholds[high]) },
    retryBudget: budget && decodeBudget(budget, at.field(`thresholds[${normal}].retry_budget`)),
  };
}

function decodeThresholds(message: CircuitBreakers_Thresholds | undefined): CircuitBreakerThresholds {
  if (message === undefined) return defaults;
  return {
    maxConnections: limitOf(message.maxConnections, defaults.maxConnections),
    maxPendingRequests: limitOf(message.maxPendingRequests, defaults.maxPendingRequests),
    maxRequests: limitOf(message.maxRequests, defaults.maxRequests),
    // A budget overrides the limit of retries (circuit_breaker.proto `retry_budget`).
    maxRetries: message.retryBudget ? Number.POSITIVE_INFINITY : limitOf(message.maxRetries, defaults.maxRetries),
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
