import type { Clock } from '@inmesh/core';
import { sleep } from '../../../kubernetes/sleep.js';

export interface StatusQueueOptions {
  readonly clock: Clock;
  /** Between two writes. */
  readonly pauseMs: number;
  /** True: it is to be tried again later. It must not throw. */
  readonly write: (key: string, signal: AbortSignal) => Promise<boolean>;
  /** Before what was to be tried again is. */
  readonly retryMs: number;
}

/** Writes one after the other, each key once however often it was asked for meanwhile, and no faster than is polite. */
export class StatusQueue {
  readonly #waiting = new Set<string>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(private readonly options: StatusQueueOptions) {}

  add(keys: Iterable<string>): void {
    if (this.#closing.signal.aborted) return;
    for (const key of keys) this.#waiting.add(key);
    if (this.#waiting.size > 0) this.#running ??= this.#run();
  }

  /** What is under way is aborted, and nothing is written after it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#waiting.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, pauseMs, retryMs, write } = this.options;
    const { signal } = this.#closing;
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      const isToRepeat = await write(key, signal);
      if (signal.aborted) break;
      await sleep(clock, isToRepeat ? retryMs : pauseMs, signal);
      if (isToRepeat && !signal.aborted) this.#waiting.add(key);
    }
    this.#running = undefined;
  }
}
