import type { Clock } from '../clock.js';
import type { RetryBudgetSettings } from '../model/cluster.js';

/** Keeps retries a share of traffic, so that a failing upstream is not buried under them. */
export interface RetryBudget {
  /**
   * A call (not a retry) has begun.
   * @param at on the scale of the clock; default now, which costs a look at the clock
   */
  recordRequest(at?: number): void;
  /** Takes leave for one retry. `active`: requests of the cluster under way or pending, this one included. */
  tryAcquire(active: number): boolean;
  /** The retry that was given leave has ended. */
  release(): void;
}

/** Envoy's budget: retries under way at once (route_components.proto, circuit_breaker.proto `RetryBudget`). */
export class ConcurrentRetryBudget implements RetryBudget {
  #retries = 0;

  constructor(private readonly settings: RetryBudgetSettings) {}

  recordRequest(): void {}

  tryAcquire(active: number): boolean {
    const limit = Math.max(this.settings.minConcurrency, Math.floor((this.settings.percent * active) / 100));
    if (this.#retries >= limit) return false;
    this.#retries += 1;
    return true;
  }

  release(): void {
    this.#retries -= 1;
  }
}

/** Share and window are those of GEP-3388; the floor is lower, see `WindowRetryBudget`. */
export const windowBudgetDefaults = { percent: 20, intervalMs: 10_000, minRetriesPerSecond: 1 } as const;

const bucketsPerWindow = 10;

/**
 * The default where a cluster names no budget (after GEP-3388): over a sliding window, retries stay within a share of the
 * requests. A window forgives the burst of failures of one crashed endpoint, which a limit on concurrency would not.
 *
 * GEP-3388 puts a constant 10 retries a second below the share. At 20 requests a second that is half of them, and three
 * tiers of it load the last one 3.5 times. Here the floor is the greater of two limits and not a part of their sum: one
 * retry for each second of the window, which counts below 5 requests a second, where so few retries harm nobody.
 */
export class WindowRetryBudget implements RetryBudget {
  readonly #requests = new Float64Array(bucketsPerWindow);
  readonly #retries = new Float64Array(bucketsPerWindow);
  #requestSum = 0;
  #retrySum = 0;
  /** Ticks count from here: a clock's zero is arbitrary, and a tick is an index, which must not be negative. */
  readonly #startedAt: number;
  #tick = 0;

  constructor(
    private readonly clock: Clock,
    private readonly settings: {
      percent: number;
      intervalMs: number;
      minRetriesPerSecond: number;
    } = windowBudgetDefaults,
  ) {
    this.#startedAt = clock.now();
  }

  recordRequest(at = this.clock.now()): void {
    const slot = this.#advance(at);
    this.#requests[slot]! += 1;
    this.#requestSum += 1;
  }

  tryAcquire(): boolean {
    const slot = this.#advance(this.clock.now());
    const { minRetriesPerSecond, intervalMs, percent } = this.settings;
    const limit = Math.max((minRetriesPerSecond * intervalMs) / 1000, (percent * this.#requestSum) / 100);
    if (this.#retrySum + 1 > limit) return false;
    this.#retries[slot]! += 1;
    this.#retrySum += 1;
    return true;
  }

  release(): void {}

  #tickAt(time: number): number {
    return Math.floor(((time - this.#startedAt) * bucketsPerWindow) / this.settings.intervalMs);
  }

  /** Empties the buckets that have left the window; returns the current one, also for a time that has passed. */
  #advance(time: number): number {
    const now = Math.max(this.#tick, this.#tickAt(time));
    const steps = Math.min(now - this.#tick, bucketsPerWindow);
    for (let i = 1; i <= steps; i += 1) {
      const slot = (this.#tick + i) % bucketsPerWindow;
      this.#requestSum -= this.#requests[slot]!;
      this.#retrySum -= this.#retries[slot]!;
      this.#requests[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#tick = now;
    return now % bucketsPerWindow;
  }
}
