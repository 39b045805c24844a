import type { Clock, Timer } from '@inmesh/core';
import { TimerWheel } from './timer-wheel.js';

const now = () => performance.now();

/** Node's monotonic clock with timers on a wheel. */
export class SystemClock implements Clock {
  readonly now = now;
  readonly #wheel: TimerWheel;

  /** @param keepsProcessAlive false for background work, such as refreshing names, that must not hold up an exit */
  constructor({ keepsProcessAlive }: { keepsProcessAlive: boolean }) {
    this.#wheel = new TimerWheel(now, keepsProcessAlive);
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.#wheel.set(delayMs, fire);
  }
}
