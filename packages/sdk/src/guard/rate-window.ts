import type { GuardRateLimit } from './guard-policy.js';

/**
 * Remembers when the last `requests` calls were let through: one more is too many while the oldest of them is less than
 * `perMs` ago. Exact in every span of time, where a window that turns lets through double at its turn.
 */
export class RateWindow {
  readonly #passedAt: Float64Array;
  readonly #perMs: number;
  #oldest = 0;

  constructor({ requests, perMs }: GuardRateLimit) {
    this.#passedAt = new Float64Array(requests).fill(Number.NEGATIVE_INFINITY);
    this.#perMs = perMs;
  }

  tryPass(now: number): boolean {
    if (now - this.#passedAt[this.#oldest]! < this.#perMs) return false;
    this.#passedAt[this.#oldest] = now;
    this.#oldest = (this.#oldest + 1) % this.#passedAt.length;
    return true;
  }
}
