import { seededRandom } from 'inmesh/testing';

/** Choices that a seed replays. */
export class Draws {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** At least `from`, at most `to`. */
  count(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  one<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!;
  }

  /** Each at most once, in the order of the list; at least one. */
  some<T>(values: readonly T[], most = 2): T[] {
    const wanted = this.count(1, most);
    const drawn = new Set<T>();
    for (let i = 0; i < wanted; i += 1) drawn.add(this.one(values));
    return values.filter((value) => drawn.has(value));
  }

  list<T>(from: number, to: number, make: () => T): T[] {
    return Array.from({ length: this.count(from, to) }, make);
  }
}
