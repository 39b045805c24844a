import type { Call } from '../call.js';
import type { CircuitBreaker } from './circuit-breaker.js';

/** The breaker that a routed call counts against, by the priority of its route. */
export function breakerOf(call: Call): CircuitBreaker {
  const { state } = call.cluster!;
  return call.action?.priority === 'high' ? state.highPriorityBreaker : state.breaker;
}
