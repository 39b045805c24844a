import type { BackoffSettings } from './reconnect-backoff.js';

export interface ReflectorTimings {
  /** A watch lasts from this to twice as long, in s, so that not all of them end together (client-go's 5 to 10 min). */
  readonly watchSeconds: number;
  /** A page of a list is waited for so long at first, so that a connection that has died is left soon. */
  readonly listMs: number;
  /** Twice as long after each that came too late, up to this: the API server itself gives up then. */
  readonly longestListMs: number;
  /** A watch on which nothing has come for so long is cut, and what was missed is listed. Bookmarks come every 60 to 75 s. */
  readonly idleMs: number;
  readonly backoff: BackoffSettings;
  /** A watch that has lasted so long, or has told something, was a good one: the back-off begins from its start. */
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
  listMs: 10_000,
  longestListMs: 60_000,
  idleMs: 90_000,
  backoff: Object.freeze({ baseMs: 100, maxMs: 30_000 }),
  healthyMs: 1000,
  absentMs: 10_000,
  confirmMs: 2000,
  failuresToTell: 3,
});
