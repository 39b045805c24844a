/** A value of a counter of Prometheus. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Seen {
  readonly labels: Series['labels'];
  /** The most that was seen since it began. */
  readonly highest: number;
  readonly gained: number;
  /** First of the values since it has been far lower; undefined: it is not. */
  readonly low: number | undefined;
  readonly lows: number;
}

/** So many looks in a row at less than half are a restart; fewer are another Prometheus, which was scraped a bit earlier. */
const looksOfRestart = 3;

/**
 * What series have gained since the first look: that is where they all begin, and one that appears later counts from nothing.
 * One that is not there any more keeps what it has, and goes on from there if it comes back.
 */
export class SeriesGains {
  readonly #seen = new Map<string, Seen>();
  #hasLooked = false;

  get hasLooked(): boolean {
    return this.#hasLooked;
  }

  /** There was never a series. */
  get isEmpty(): boolean {
    return this.#seen.size === 0;
  }

  /** @returns all series that there ever were, with what they have gained */
  look(found: readonly Series[]): Series[] {
    for (const { labels, value } of found) {
      const key = keyOf(labels);
      const seen = this.#seen.get(key);
      this.#seen.set(key, seen === undefined ? this.#begin(labels, value) : goOn(seen, value));
    }
    this.#hasLooked = true;
    return [...this.#seen.values()].map(({ labels, gained }) => ({ labels, value: gained }));
  }

  #begin(labels: Series['labels'], value: number): Seen {
    return { labels, highest: value, gained: this.#hasLooked ? value : 0, low: undefined, lows: 0 };
  }
}

function goOn(seen: Seen, value: number): Seen {
  if (value >= seen.highest / 2) {
    const more = Math.max(0, value - seen.highest);
    return { ...seen, highest: seen.highest + more, gained: seen.gained + more, low: undefined, lows: 0 };
  }
  const low = seen.low === undefined || value < seen.low ? value : seen.low;
  if (seen.lows + 1 < looksOfRestart) return { ...seen, low, lows: seen.lows + 1 };
  return { ...seen, highest: value, gained: seen.gained + value - low, low: undefined, lows: 0 };
}

/** Equal for equal labels, whatever their order. */
export function keyOf(labels: Series['labels']): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
