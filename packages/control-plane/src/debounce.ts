import type { Clock, Timer } from '@inmesh/core';

export interface DebounceOptions {
  readonly clock: Clock;
  /** It waits until nothing has been asked for so long, */
  readonly quietMs: number;
  /** but no longer than this from when it was asked first. */
  readonly longestMs: number;
  readonly act: () => void;
}

type DebounceState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'waiting'; readonly since: number; readonly timer: Timer }
  | { readonly kind: 'closed' };

/**
 * Answers many requests by one act. After an act it rests for as long as that has taken, so that it never takes more than
 * half of the time from everything else.
 */
export class Debounce {
  #state: DebounceState = { kind: 'idle' };
  #askedAt = 0;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: DebounceOptions) {}

  ask(): void {
    const now = this.options.clock.now();
    this.#askedAt = now;
    if (this.#state.kind === 'idle') this.#state = { kind: 'waiting', since: now, timer: this.#arm(now) };
  }

  close(): void {
    if (this.#state.kind === 'waiting') this.#state.timer.cancel();
    this.#state = { kind: 'closed' };
  }

  /** One timer looks again when it fires, since requests are many. */
  #arm(since: number): Timer {
    const { clock, quietMs, longestMs } = this.options;
    const due = Math.max(Math.min(this.#askedAt + quietMs, since + longestMs), this.#restUntil);
    return clock.setTimer(due - clock.now(), () => this.#look(since, due));
  }

  #look(since: number, due: number): void {
    const { clock, quietMs, longestMs, act } = this.options;
    if (this.#state.kind !== 'waiting') return;
    const now = clock.now();
    const isDue = Math.min(this.#askedAt + quietMs, since + longestMs) <= due;
    if (!isDue) {
      this.#state = { kind: 'waiting', since, timer: this.#arm(since) };
      return;
    }
    this.#state = { kind: 'idle' };
    act();
    const end = clock.now();
    this.#restUntil = end + (end - now);
  }
}
