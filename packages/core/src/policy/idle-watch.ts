import type { Clock, Timer } from '../clock.js';

/**
 * Calls back when nothing has moved for a while. Movement only notes the time: the one timer looks at it when it fires, and
 * waits for the rest.
 */
export class IdleWatch {
  #lastMovedAt: number;
  #timer: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly timeoutMs: number,
    private readonly onIdle: () => void,
  ) {
    this.#lastMovedAt = clock.now();
    this.#timer = this.#wait(timeoutMs);
  }

  touch(): void {
    this.#lastMovedAt = this.clock.now();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #wait(ms: number): Timer {
    return this.clock.setTimer(ms, () => this.#look());
  }

  #look(): void {
    const leftMs = this.#lastMovedAt + this.timeoutMs - this.clock.now();
    if (leftMs > 0) this.#timer = this.#wait(leftMs);
    else this.onIdle();
  }
}
