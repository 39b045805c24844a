import { increase, nothing, type Reading, requestsOf, sumOf, type Tally } from './tally.js';

/** What came since a window began, added up look by look. Times are on the scale of the clock. */
export class Window {
  #canary = nothing;
  #stable = nothing;
  #lost = nothing;
  #last: Reading;
  readonly #looks: { readonly atMs: number; readonly requests: number }[];

  /** @param first where it begins: a source that is not in it counts from when it is seen */
  constructor(first: Reading, atMs: number) {
    this.#last = first;
    this.#looks = [{ atMs, requests: 0 }];
  }

  get canary(): Tally {
    return this.#canary;
  }

  get stable(): Tally {
    return this.#stable;
  }

  get lost(): Tally {
    return this.#lost;
  }

  add({ canary, stable, lost = new Map() }: Reading, atMs: number): void {
    const last = this.#last;
    const lostBefore = last.lost ?? new Map();
    this.#canary = sumOf(this.#canary, increase(last.canary, canary));
    this.#stable = sumOf(this.#stable, increase(last.stable, stable));
    this.#lost = sumOf(this.#lost, increase(lostBefore, lost));
    // One that could not be read now goes on from where it was.
    this.#last = {
      canary: new Map([...last.canary, ...canary]),
      stable: new Map([...last.stable, ...stable]),
      lost: new Map([...lostBefore, ...lost]),
    };
    this.#looks.push({ atMs, requests: requestsOf(this.#canary) });
  }

  /** How many requests of the canary were seen since the last look before. */
  requestsSince(atMs: number): number {
    const before = this.#looks.findLast((look) => look.atMs <= atMs) ?? this.#looks[0]!;
    return requestsOf(this.#canary) - before.requests;
  }
}
