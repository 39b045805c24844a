import type { Dispatcher } from 'undici';
import type { QueuedHandler } from './queued-handler.js';

export interface QueuedRequest {
  readonly options: Dispatcher.DispatchOptions;
  readonly handler: QueuedHandler;
}

const minPruned = 64;

/** Requests that wait for a connection, first come first served. Those that were given up are forgotten, with their bodies. */
export class RequestQueue {
  #requests: QueuedRequest[] = [];
  /** How long it may become before those that were given up are looked for: each costs the same, however many there are. */
  #pruneAt = minPruned;

  get isEmpty(): boolean {
    return this.#requests.length === 0;
  }

  get length(): number {
    return this.#requests.length;
  }

  add(request: QueuedRequest): void {
    if (this.#requests.length >= this.#pruneAt) this.#prune();
    this.#requests.push(request);
  }

  putBack(request: QueuedRequest): void {
    this.#requests.unshift(request);
  }

  /** The one that has waited longest. Those that were given up have been told. */
  next(): QueuedRequest | undefined {
    for (;;) {
      const next = this.#requests.shift();
      if (next === undefined || !next.handler.isOver) return next;
    }
  }

  takeAll(): QueuedRequest[] {
    return this.#requests.splice(0);
  }

  #prune(): void {
    this.#requests = this.#requests.filter(({ handler }) => !handler.isOver);
    this.#pruneAt = Math.max(minPruned, 2 * this.#requests.length);
  }
}
