import type { Random } from '@inmesh/core';

export interface BackoffSettings {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Doubles from `baseMs` to `maxMs`. Half of each pause is random, so that replicas that failed together come back apart. */
export class ReconnectBackoff {
  #failures = 0;

  constructor(
    private readonly settings: BackoffSettings,
    private readonly random: Random,
  ) {}

  /** Since it was healthy. */
  get failures(): number {
    return this.#failures;
  }

  next(): number {
    const ceiling = Math.min(this.settings.baseMs * 2 ** Math.min(this.#failures, 30), this.settings.maxMs);
    this.#failures += 1;
    return (ceiling / 2) * (1 + this.random());
  }

  reset(): void {
    this.#failures = 0;
  }
}
