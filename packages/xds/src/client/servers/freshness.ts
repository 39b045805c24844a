import type { Clock } from '@inmesh/core';
import { type Position, readPosition } from '../../position.js';

/** For so long a client stays with what it has. A store that was restored from a backup begins anew at smaller numbers. */
const patienceMs = 10_000;

/** Keeps a client that comes to another of several config servers from going back to what was before. */
export class Freshness {
  /** The newest change that a server it has listened to knew. */
  #seen = 0;
  #refusingSinceMs: number | undefined;

  constructor(private readonly clock: Clock) {}

  /** Whether a server that begins with this response is as far as those before it, or is to be taken as it is. */
  admits(identifier: string | undefined): boolean {
    const position = readPosition(identifier);
    if (position === undefined || position.reached >= this.#seen) {
      this.#refusingSinceMs = undefined;
      return true;
    }
    this.#refusingSinceMs ??= this.clock.now();
    return this.clock.now() - this.#refusingSinceMs >= patienceMs && this.#giveIn(position);
  }

  /** Of a response that is used. */
  note(identifier: string | undefined): void {
    this.#seen = Math.max(this.#seen, readPosition(identifier)?.changed ?? 0);
  }

  #giveIn({ changed }: Position): true {
    this.#seen = changed;
    this.#refusingSinceMs = undefined;
    return true;
  }
}
