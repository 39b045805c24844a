import type { CircuitBreakerThresholds } from '../model/cluster.js';

/**
 * Envoy's circuit breaker: counts of what is open in one cluster, each against its threshold. Thresholds are read at
 * every question, so a new configuration takes hold at once and the counts survive it.
 */
export class CircuitBreaker {
  thresholds: CircuitBreakerThresholds;
  requests = 0;
  pendingRequests = 0;
  retries = 0;
  /** How often each limit has refused. */
  readonly overflows = { requests: 0, pendingRequests: 0, retries: 0 };

  constructor(thresholds: CircuitBreakerThresholds) {
    this.thresholds = thresholds;
  }

  tryAcquireRequest(): boolean {
    return this.#tryAcquire('requests', this.thresholds.maxRequests);
  }

  releaseRequest(): void {
    this.requests -= 1;
  }

  /** The transport asks first whether one more may wait: only it knows whether the request would have to. */
  acquirePending(): void {
    this.pendingRequests += 1;
  }

  releasePending(): void {
    this.pendingRequests -= 1;
  }

  tryAcquireRetry(): boolean {
    return this.#tryAcquire('retries', this.thresholds.maxRetries);
  }

  releaseRetry(): void {
    this.retries -= 1;
  }

  #tryAcquire(kind: 'requests' | 'retries', limit: number): boolean {
    if (this[kind] >= limit) {
      this.overflows[kind] += 1;
      return false;
    }
    this[kind] += 1;
    return true;
  }
}
