import type { Clock } from '@inmesh/core';
import { sleep } from '../kubernetes/sleep.js';

/** Shorter ones are no burden. */
const longMs = 20;

/**
 * One review after the other. After a long one there is a rest for as long as it took: whoever sends the greatest objects that
 * there can be, one after the other, leaves half of the time to xDS, the certificates and the Leases.
 */
export class ReviewTurns {
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly clock: Clock) {}

  take<Result>(review: () => Result): Promise<Result> {
    const before = this.#last;
    let rested!: () => void;
    this.#last = new Promise((resolve) => {
      rested = resolve;
    });
    return before.then(() => {
      const since = this.clock.now();
      try {
        return review();
      } finally {
        const tookMs = this.clock.now() - since;
        if (tookMs < longMs) rested();
        else void sleep(this.clock, tookMs).then(rested);
      }
    });
  }
}
