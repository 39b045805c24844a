import type { ClusterView } from '@inmesh/core';
import type { SimulatedCall } from './call.js';

interface Retries {
  readonly running: Map<SimulatedCall, number>;
  mostActive: number;
}

/** What is limited at one moment: the requests of a breaker, and the retries of a budget that is configured. */
export class ConcurrencyRules {
  readonly #retries = new Map<ClusterView['state'], Retries>();

  /** What is wrong with an attempt that begins now; undefined when nothing is. */
  wrongWithAttempt(call: SimulatedCall): string | undefined {
    const { state, cluster } = call.cluster!;
    const { requests, thresholds } = call.action?.priority === 'high' ? state.highPriorityBreaker : state.breaker;
    if (requests < 1) return `${cluster.name}: the breaker of its priority does not count it`;
    if (requests > thresholds.maxRequests)
      return `${cluster.name}: ${requests} requests, ${thresholds.maxRequests} at most`;
    return this.#wrongWithRetries(call);
  }

  #wrongWithRetries(call: SimulatedCall): string | undefined {
    const { state, cluster } = call.cluster!;
    const { retryBudget: budget } = cluster;
    const retries = this.#retries.get(state) ?? { running: new Map<SimulatedCall, number>(), mostActive: 0 };
    this.#retries.set(state, retries);
    const { running } = retries;
    for (const [each, attempt] of running) if (each.lastOutcome?.attempt === attempt) running.delete(each);
    const { breaker, highPriorityBreaker } = state;
    retries.mostActive = Math.max(retries.mostActive, breaker.requests + highPriorityBreaker.requests);
    if (call.attempt > 1 && call.lastAttemptSent) running.set(call, call.attempt);
    if (budget === undefined) return undefined;
    const limit = Math.max(budget.minConcurrency, Math.floor((budget.percent * retries.mostActive) / 100));
    return running.size > limit ? `${cluster.name}: ${running.size} retries at once, ${limit} at most` : undefined;
  }
}
