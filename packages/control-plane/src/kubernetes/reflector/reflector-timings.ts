import type { BackoffSettings } from './reconnect-backoff.js';

export interface ReflectorTimings {
  /** A watch lasts from this to twice as long, in s, so that not all of them end together (client-go's 5 to 10 min). */
  readonly watchSeconds: number;
  /** A watch on which nothing has come for so long is cut. Bookmarks come every 60 to 75 s. */
  readonly idleMs: number;
  readonly backoff: BackoffSettings;
  /** A watch that has lasted so long was a good one: the back-off begins from its start. */
  readonly healthyMs: number;
  /** How often the API server is asked for a kind that it does not have. */
  readonly absentMs: number;
  /** Between the two looks that it takes for a kind to be gone. */
  readonly confirmMs: number;
  /** A failure that may pass by itself is told when it has happened so often in a row. */
  readonly failuresToTell: number;
}

export const defaultTimings: ReflectorTimings = Object.freeze({
  watchSeconds: 300,
  idleMs: 90_000,
  backoff: Object.freeze({ baseMs: 100, maxMs: 30_000 }),
  healthyMs: 10_000,
  absentMs: 10_000,
  confirmMs: 2000,
  failuresToTell: 3,
});
