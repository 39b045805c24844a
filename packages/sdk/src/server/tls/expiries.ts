import type { Clock, Timer } from '@inmesh/core';

/** The time of day may be set meanwhile. */
const longestWaitMs = 600_000;

/** Tells when something has expired, with one timer for all. */
export class Expiries<T> {
  readonly #ends = new Map<T, number>();
  #next = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    /** Ms. */
    private readonly wallClock: () => number,
    private readonly onExpired: (one: T) => void,
  ) {}

  /** @param end on the wall clock, in ms */
  add(one: T, end: number): void {
    this.#ends.set(one, end);
    if (end < this.#next) this.#wait(end);
  }

  delete(one: T): void {
    this.#ends.delete(one);
    if (this.#ends.size === 0) this.close();
  }

  /** Without waiting for the timer. */
  isExpired(one: T): boolean {
    const end = this.#ends.get(one);
    return end !== undefined && this.wallClock() >= end;
  }

  close(): void {
    this.#timer?.cancel();
    this.#next = Number.POSITIVE_INFINITY;
  }

  #wait(end: number): void {
    this.#timer?.cancel();
    this.#next = end;
    this.#timer = this.clock.setTimer(Math.min(end - this.wallClock(), longestWaitMs), () => this.#look());
  }

  #look(): void {
    this.#next = Number.POSITIVE_INFINITY;
    const now = this.wallClock();
    let next = Number.POSITIVE_INFINITY;
    const expired: T[] = [];
    for (const [one, end] of this.#ends) {
      if (end <= now) expired.push(one);
      else next = Math.min(next, end);
    }
    if (next < Number.POSITIVE_INFINITY) this.#wait(next);
    for (const one of expired) this.onExpired(one);
  }
}
