import type { Random } from '@inmesh/core';
import { ReconnectBackoff } from '../kubernetes/reflector/reconnect-backoff.js';
import { sleep } from '../kubernetes/sleep.js';
import { StoreAwayError } from './authority-store.js';
import type { AuthorityTools } from './open-authority.js';

/** Of who begins while the keys are not to be had, and waits for them. */
export interface Patience {
  readonly random: Random;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Told of each failure; undefined: it is over. */
  readonly onWait: (problem: string | undefined) => void;
}

/** Between two looks, in ms. Servers that began together come back apart. */
const backoff = Object.freeze({ baseMs: 500, maxMs: 10_000 });

/**
 * Opens what is kept in a store that may be away, as often as it takes.
 * @throws what `open` throws for another reason, and the last StoreAwayError when the signal has ended it
 */
export async function keepTrying<Opened>(
  open: () => Promise<Opened>,
  { random, signal, onWait }: Patience,
  { clock, logger }: Pick<AuthorityTools, 'clock' | 'logger'>,
): Promise<Opened> {
  const pauses = new ReconnectBackoff(backoff, random);
  for (;;) {
    try {
      const opened = await open();
      onWait(undefined);
      return opened;
    } catch (error) {
      if (!(error instanceof StoreAwayError) || signal.aborted) throw error;
      // An outage is told once.
      if (pauses.failures === 0)
        logger.warn('nothing is served before the authority is there', { problem: error.message });
      onWait(error.message);
      await sleep(clock, pauses.next(), signal);
      if (signal.aborted) throw error;
    }
  }
}
