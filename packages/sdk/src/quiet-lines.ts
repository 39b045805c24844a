import type { Clock } from '@inmesh/core';

/** Who causes a line may cause it at any rate. */
const quietMs = 10_000;
/** Strangers can make up keys; beyond this many all are forgotten. */
const maxKeys = 1000;

interface Quiet {
  readonly until: number;
  suppressed: number;
}

/** One line for each key in 10 s, which says how many there were since the one before. */
export class QuietLines {
  readonly #quiet = new Map<string, Quiet>();

  constructor(private readonly clock: Clock) {}

  /** @param say gets the fields to add; not called while the key is quiet */
  tell(key: string, say: (more: { readonly suppressed?: number }) => void): void {
    const now = this.clock.now();
    const quiet = this.#quiet.get(key);
    if (quiet !== undefined && now < quiet.until) {
      quiet.suppressed += 1;
      return;
    }
    if (quiet === undefined && this.#quiet.size >= maxKeys) this.#quiet.clear();
    this.#quiet.set(key, { until: now + quietMs, suppressed: 0 });
    say(quiet === undefined || quiet.suppressed === 0 ? {} : { suppressed: quiet.suppressed });
  }
}
