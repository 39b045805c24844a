import type { CircuitBreakerThresholds } from '../model/cluster.js';

/** What is counted, each against its threshold. */
export type BreakerKind = 'connections' | 'pendingRequests' | 'requests' | 'retries';

const thresholdOf = {
  connections: 'maxConnections',
  pendingRequests: 'maxPendingRequests',
  requests: 'maxRequests',
  retries: 'maxRetries',
} as const satisfies Record<BreakerKind, keyof CircuitBreakerThresholds>;

/**
 * Envoy's circuit breaker: counts of what is open in one cluster, each against its threshold. Thresholds are read at
 * every question, so a new configuration takes hold at once and the counts survive it.
 */
export class CircuitBreaker {
  thresholds: CircuitBreakerThresholds;
  /** Open ones, idle ones too; the transport counts them. */
  connections = 0;
  requests = 0;
  pendingRequests = 0;
  retries = 0;
  /** Requests let in since the cluster came to be. */
  totalRequests = 0;
  /** How often each limit has refused. */
  readonly overflows = { requests: 0, pendingRequests: 0, retries: 0 };

  constructor(thresholds: CircuitBreakerThresholds) {
    this.thresholds = thresholds;
  }

  tryAcquireRequest(): boolean {
    if (!this.#tryAcquire('requests', this.thresholds.maxRequests)) return false;
    this.totalRequests += 1;
    return true;
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

  /** For a retry that a budget has allowed, which takes the place of the limit. */
  acquireRetry(): void {
    this.retries += 1;
  }

  releaseRetry(): void {
    this.retries -= 1;
  }

  /** How many more there may be: 0 where the breaker is open, Infinity where there is no limit. */
  remaining(kind: BreakerKind): number {
    return Math.max(0, this.thresholds[thresholdOf[kind]] - this[kind]);
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
