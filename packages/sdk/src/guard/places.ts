import Bottleneck from 'bottleneck';
import type { GuardCall } from './guard-call.js';
import { overflow } from './refusals.js';

export type Release = () => void;

/**
 * The places for runs of a function, and bottleneck's queue for those who wait for one. Bottleneck can refuse a job only a
 * timer later, so who is too many is counted here, and told at once.
 */
export class Places {
  readonly #limiter: Bottleneck;
  readonly #most: number;
  /** Running, waiting, or given up and still to come out of the queue. */
  #held = 0;

  constructor(
    private readonly maxConcurrent: number,
    private readonly maxPending: number,
  ) {
    this.#limiter = createLimiter(maxConcurrent);
    this.#most = maxConcurrent + maxPending;
  }

  /** Waits for a place, which is held until it is released. */
  async take(call: GuardCall): Promise<Release> {
    if (this.#held >= this.#most) throw overflow(call, this.maxConcurrent, this.maxPending);
    this.#held += 1;
    const place = new Promise<Release>((grant) => this.#enqueue(grant));
    try {
      return await call.wait(place);
    } catch (reason) {
      // Bottleneck has no way out of its queue: the turn comes, and is passed on.
      void place.then((release) => release());
      throw reason;
    }
  }

  #enqueue(grant: (release: Release) => void): void {
    const held = new Promise<void>((free) => {
      void this.#limiter.schedule(() => {
        grant(() => {
          this.#held -= 1;
          free();
        });
        return held;
      });
    });
  }
}

/**
 * Bottleneck's in-memory store waits for a timer at each of three steps of each job, one job after the other: 5 ms a job
 * and at most 390 jobs a second, whatever the limit says. The waits imitate Redis and protect nothing here. Should
 * another version have no such method, it is as slow as it was.
 */
function createLimiter(maxConcurrent: number): Bottleneck {
  const limiter = new Bottleneck({ maxConcurrent });
  const store = (limiter as unknown as { _store?: { yieldLoop?: () => Promise<void> } })._store;
  if (store?.yieldLoop !== undefined) store.yieldLoop = () => Promise.resolve();
  return limiter;
}
