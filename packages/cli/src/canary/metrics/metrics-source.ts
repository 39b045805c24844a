import type { Reading } from '../analysis/tally.js';
import type { Destination } from '../routes/destination.js';

/** Where the numbers come from. */
export interface MetricsSource {
  readonly description: string;
  /** How long after a change of the weights it may still tell what was before, by what it read last. */
  readonly settleMs: number;
  /** What has been counted until now. @throws Error while it cannot be asked */
  read(canary: readonly Destination[], stable: readonly Destination[], signal?: AbortSignal): Promise<Reading>;
}
