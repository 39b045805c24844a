import type { Clock, Timer } from '@inmesh/core';

/**
 * Ends a watch on which nothing arrives. A connection that a firewall has forgotten is silent for ever; one that is alive
 * carries a bookmark about every minute.
 */
export class Watchdog {
  readonly #abort = new AbortController();
  readonly #end = () => this.#abort.abort();
  #fedAt: number;
  #timer: Timer;
  #hasBarked = false;

  constructor(
    private readonly clock: Clock,
    private readonly idleMs: number,
    private readonly closing: AbortSignal,
  ) {
    this.#fedAt = clock.now();
    this.#timer = this.#arm(idleMs);
    closing.addEventListener('abort', this.#end, { once: true });
    if (closing.aborted) this.#end();
  }

  /** Aborted when it is time to give up, or when all is closed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get hasBarked(): boolean {
    return this.#hasBarked;
  }

  feed(): void {
    this.#fedAt = this.clock.now();
  }

  stop(): void {
    this.#timer.cancel();
    this.closing.removeEventListener('abort', this.#end);
    this.#end();
  }

  /** One timer looks again when it fires, since events are many and silences few. */
  #arm(ms: number): Timer {
    return this.clock.setTimer(ms, () => {
      const leftMs = this.#fedAt + this.idleMs - this.clock.now();
      if (leftMs > 0) {
        this.#timer = this.#arm(leftMs);
        return;
      }
      this.#hasBarked = true;
      this.#end();
    });
  }
}
