import type { Clock, Timer } from '@inmesh/core';

/** How long a mesh waits for its first identity before it begins without one, in ms. */
export const openWaitMs = 2000;

/** A first answer, good or bad, that a start waits for, but not for long. */
export class FirstAnswer {
  readonly #promise: Promise<void>;
  /** It has come. */
  arrived: () => void = () => {};

  constructor(private readonly clock: Clock) {
    this.#promise = new Promise((resolve) => {
      this.arrived = resolve;
    });
  }

  async wait(ms: number): Promise<void> {
    let timer: Timer | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = this.clock.setTimer(ms, resolve);
    });
    await Promise.race([this.#promise, enough]);
    timer?.cancel();
  }
}
