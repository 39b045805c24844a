import type { Clock, Timer } from '@inmesh/core';

/**
 * Lets one change through per interval. What comes sooner waits for its end, and by then may have been taken back. Only the
 * call that was asked for last is made.
 */
export class ChangeGate {
  #openAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly intervalMs: number,
  ) {}

  pass(change: () => void): void {
    this.cancel();
    const waitMs = this.#openAt - this.clock.now();
    if (waitMs > 0) this.#timer = this.clock.setTimer(waitMs, () => this.pass(change));
    else {
      this.#openAt = this.clock.now() + this.intervalMs;
      change();
    }
  }

  /** Takes back a change that still waits. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
