import type { Clock, Timer } from '@inmesh/core';

export interface StreamRate {
  /** How many streams begin in a second; a tenth of that may begin at once. */
  readonly perSecond: number;
  readonly clock: Clock;
}

/** A gRPC client that is not answered takes what it asked for as not there after 15 s (gRFC A57). */
const maxWaitMs = 10_000;

/**
 * Lets streams begin at a bounded rate: after a restart all clients come at once, and each of them is to be sent everything.
 * Who comes too fast waits in line. Where the line is too long a client had better go away, to another server or until
 * later.
 */
export class StreamGate {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  readonly #burstMs: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  /** When the next would begin if all came evenly. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor({ perSecond, clock }: StreamRate) {
    this.#clock = clock;
    this.#spacingMs = 1000 / perSecond;
    this.#burstMs = (Math.max(1, Math.floor(perSecond / 10)) - 1) * this.#spacingMs;
    this.#maxWaiting = Math.floor(maxWaitMs / this.#spacingMs);
  }

  /** Calls `begin` now or later, but for those that are refused. */
  enter(begin: () => void): 'begun' | 'waiting' | 'refused' {
    if (this.#waiting.size === 0 && this.#take()) {
      begin();
      return 'begun';
    }
    if (this.#waiting.size >= this.#maxWaiting) return 'refused';
    this.#waiting.add(begin);
    this.#timer ??= this.#setTimer();
    return 'waiting';
  }

  /** Whoever waits no longer. */
  leave(begin: () => void): void {
    this.#waiting.delete(begin);
  }

  /** Nobody waits any more: all that do begin. */
  close(): void {
    this.#timer?.cancel();
    for (const begin of this.#waiting) begin();
    this.#waiting.clear();
  }

  #take(): boolean {
    const now = this.#clock.now();
    if (this.#dueMs > now + this.#burstMs) return false;
    this.#dueMs = Math.max(this.#dueMs, now) + this.#spacingMs;
    return true;
  }

  #setTimer(): Timer {
    return this.#clock.setTimer(this.#dueMs - this.#burstMs - this.#clock.now(), () => this.#serve());
  }

  #serve(): void {
    for (const begin of this.#waiting) {
      if (!this.#take()) break;
      this.#waiting.delete(begin);
      begin();
    }
    this.#timer = this.#waiting.size > 0 ? this.#setTimer() : undefined;
  }
}
