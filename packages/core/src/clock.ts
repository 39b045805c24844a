/** A timer that has been set. Cancelling one that has fired, or twice, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time in this package. The SDK gives a timer wheel over Node's own clock, tests a fake one.
 * All times are milliseconds on one monotonic scale with an arbitrary zero; fractions are allowed.
 */
export interface Clock {
  now(): number;
  /** Calls `fire` once, not before `delayMs` have passed. A delay of zero or less fires on the next turn. */
  setTimer(delayMs: number, fire: () => void): Timer;
}

/** Uniform in [0, 1). Injected, so that statistical behaviour is tested with a seed. */
export type Random = () => number;
