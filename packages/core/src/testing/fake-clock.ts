import type { Clock, Timer } from '../clock.js';

interface PendingTimer {
  readonly at: number;
  readonly fire: () => void;
}

/** Enough for the deepest chain of filters to settle; a turn costs next to nothing. */
const turnsBetweenTimers = 50;

/** Above this a timer sets itself again without delay, and `advance` would never return. */
const maxTimersPerAdvance = 1_000_000;

/**
 * A clock that stands still until it is advanced. Timers fire in order of time, ties in the order they were set, and each
 * sees the time it was set for. A timer set while advancing fires too when its time is reached.
 */
export class FakeClock implements Clock {
  readonly #timers = new Set<PendingTimer>();
  #now: number;

  constructor(now = 0) {
    this.#now = now;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer: PendingTimer = { at: this.#now + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Fires all timers in one go; what they resolve runs after the return. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let fired = 0; this.#fireNext(end); fired += 1) refuseEndless(fired);
    this.#now = end;
  }

  /** Lets promises settle before the first timer, after each and at the end. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let fired = 0; this.#fireNext(end); fired += 1) {
      refuseEndless(fired);
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #fireNext(end: number): boolean {
    let next: PendingTimer | undefined;
    // A set keeps the order of setting, and only an earlier time takes over: ties stay in that order.
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    if (next === undefined || next.at > end) return false;
    this.#timers.delete(next);
    this.#now = next.at;
    next.fire();
    return true;
  }
}

function refuseEndless(fired: number): void {
  if (fired >= maxTimersPerAdvance) throw new Error('a timer sets itself again without delay');
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < turnsBetweenTimers; turn += 1) await undefined;
}
