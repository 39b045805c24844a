import type { Clock } from '@inmesh/core';
import { sleep } from '../../../kubernetes/sleep.js';

export interface StatusQueueOptions {
  readonly clock: Clock;
  /** Between two writes. */
  readonly pauseMs: number;
  /** True: it is to be tried again later. It must not throw. */
  readonly write: (key: string, signal: AbortSignal) => Promise<boolean>;
  /** Before what was to be tried again is; twice as long each time, up to a minute. */
  readonly retryMs: number;
}

interface Failed {
  readonly dueAt: number;
  readonly retryMs: number;
}

const longestRetryMs = 60_000;

/**
 * Writes one after the other, each key once however often it was asked for meanwhile, and no faster than is polite. Who waits
 * for its next try keeps nobody else waiting.
 */
export class StatusQueue {
  readonly #waiting = new Set<string>();
  /** Due again later. */
  readonly #failed = new Map<string, Failed>();
  readonly #closing = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | undefined;

  constructor(private readonly options: StatusQueueOptions) {}

  add(keys: Iterable<string>): void {
    if (this.#closing.signal.aborted) return;
    for (const key of keys) if (!this.#failed.has(key)) this.#waiting.add(key);
    if (this.#waiting.size === 0) return;
    this.#wake.abort();
    this.#running ??= this.#run();
  }

  /** What is under way is aborted, and nothing is written after it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.abort();
    this.#waiting.clear();
    this.#failed.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, pauseMs } = this.options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const key = this.#next();
      if (key !== undefined) {
        await this.#try(key);
        await sleep(clock, pauseMs, signal);
      } else if (this.#failed.size > 0) await this.#untilDue();
      else break;
    }
    this.#running = undefined;
  }

  /** New ones first. */
  #next(): string | undefined {
    const [first] = this.#waiting;
    if (first !== undefined) return first;
    const now = this.options.clock.now();
    for (const [key, { dueAt }] of this.#failed) if (dueAt <= now) return key;
    return undefined;
  }

  async #try(key: string): Promise<void> {
    const { clock, retryMs, write } = this.options;
    const before = this.#failed.get(key);
    this.#waiting.delete(key);
    this.#failed.delete(key);
    if (!(await write(key, this.#closing.signal)) || this.#closing.signal.aborted) return;
    this.#waiting.delete(key);
    const pause = before === undefined ? retryMs : Math.min(before.retryMs * 2, longestRetryMs);
    this.#failed.set(key, { dueAt: clock.now() + pause, retryMs: pause });
  }

  async #untilDue(): Promise<void> {
    const { clock } = this.options;
    const dueAt = Math.min(...[...this.#failed.values()].map((one) => one.dueAt));
    this.#wake = new AbortController();
    await sleep(clock, Math.max(dueAt - clock.now(), 0), this.#wake.signal);
  }
}
