import type { Random } from '../clock.js';

/**
 * Earliest deadline first, what Envoy does when weights differ (edf_scheduler.h): each pick moves an entry's deadline on
 * by cost / weight, and the earliest deadline is next. Costs are summed as they are and divided afresh, because a sum of
 * fractions drifts: with a cost of 1 every run of (sum of weights) picks holds each entry exactly its weight.
 *
 * The scan is linear. It touches one array of numbers, runs only where weights differ, and needs no heap.
 */
export class EdfSchedule {
  readonly #costs: Float64Array;
  readonly #deadlines: Float64Array;

  /**
   * @param weights of the entries, each above 0
   * @param costOf what a pick of the entry at an index costs now; 1 for plain weights
   * @param isOut whether an entry may not be picked now
   */
  constructor(
    private readonly weights: readonly number[],
    private readonly costOf: (index: number) => number,
    private readonly isOut: (index: number) => boolean,
    random: Random,
  ) {
    this.#costs = new Float64Array(weights.length);
    this.#deadlines = new Float64Array(weights.length);
    this.#startWithin(random());
  }

  /** The index of the next entry; -1 when there is none that may be picked. */
  pick(): number {
    const next = this.#earliest();
    if (next >= 0) this.#charge(next, 1);
    return next;
  }

  /**
   * Begins at any point of the cycle, each as likely, as if that many picks had been made: a client that starts together
   * with others, or whose endpoints change before a cycle is over, would otherwise send to the heaviest alone.
   */
  #startWithin(share: number): void {
    const total = this.weights.reduce((sum, weight) => sum + weight, 0);
    const rates = this.weights.map((weight, index) => weight / this.costOf(index));
    const totalRate = rates.reduce((sum, rate) => sum + rate, 0);
    const picks = Math.floor(share * total);
    let left = picks;
    for (const [index, rate] of rates.entries()) {
      const sure = Math.floor((picks * rate) / totalRate);
      left -= sure;
      this.#charge(index, sure + 1);
    }
    for (; left > 0 && this.pick() >= 0; left -= 1);
  }

  #earliest(): number {
    const deadlines = this.#deadlines;
    let earliest = -1;
    let deadline = Number.POSITIVE_INFINITY;
    for (let index = 0; index < deadlines.length; index += 1) {
      if (deadlines[index]! >= deadline || this.isOut(index)) continue;
      earliest = index;
      deadline = deadlines[index]!;
    }
    return earliest;
  }

  #charge(index: number, times: number): void {
    this.#costs[index]! += times * this.costOf(index);
    this.#deadlines[index] = this.#costs[index]! / this.weights[index]!;
  }
}
