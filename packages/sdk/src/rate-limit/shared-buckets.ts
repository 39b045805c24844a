import { type Bucket, type Clock, type SharedBuckets, TokenBucket } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { TokenStore } from './token-store.js';

/** Longer no call waits for the store, unless it is told otherwise. */
export const defaultMaxWaitMs = 50;

/** How often a store that is away is asked whether it is back; only while there are calls. */
const probeIntervalMs = 1000;

type StoreState =
  | { readonly kind: 'answering' }
  /** Calls are counted here. `probeAt`: when the store is asked again. */
  | { readonly kind: 'away'; probeAt: number };

type Answer<T> = { readonly kind: 'value'; readonly value: T } | { readonly kind: 'none'; readonly reason: string };

export interface SharedBucketsOptions {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 50. */
  readonly maxWaitMs?: number | undefined;
  /** Told when the store goes and when it is back. */
  readonly onChange?: (answering: boolean) => void;
}

/**
 * Buckets of the whole mesh. While the store does not answer, or not in time, each process counts by itself, in a bucket
 * of the same settings: a limit then holds for each process, and no call waits. One call finds out; those that follow do
 * not ask until a probe has been answered in time.
 */
export function sharedBuckets({
  store,
  clock,
  logger,
  maxWaitMs = defaultMaxWaitMs,
  onChange,
}: SharedBucketsOptions): SharedBuckets {
  let state: StoreState = { kind: 'answering' };

  const goAway = (reason: string) => {
    if (state.kind === 'away') return;
    state = { kind: 'away', probeAt: clock.now() + probeIntervalMs };
    logger.warn('the rate limit store does not answer: each process counts by itself until it does', { reason });
    onChange?.(false);
  };

  const comeBack = () => {
    if (state.kind === 'answering') return;
    state = { kind: 'answering' };
    logger.info('the rate limit store answers again');
    onChange?.(true);
  };

  const probe = async () => {
    const answer = await answerInTime(() => store.ping(), clock, maxWaitMs);
    if (answer.kind === 'value') comeBack();
  };

  return (id, settings): Bucket => {
    // Kept when the store is back: an outage that comes and goes must not fill it anew.
    let own: TokenBucket | undefined;
    const takeHere = () => {
      own ??= new TokenBucket(settings, clock);
      return own.take();
    };
    const ask = async () => {
      const answer = await answerInTime(() => store.take(id, settings), clock, maxWaitMs);
      if (answer.kind === 'value') return answer.value;
      goAway(answer.reason);
      return takeHere();
    };
    return {
      take() {
        if (state.kind === 'answering') return ask();
        if (clock.now() >= state.probeAt) {
          state.probeAt = clock.now() + probeIntervalMs;
          void probe();
        }
        return takeHere();
      },
    };
  };
}

/** Never rejects. What comes too late is dropped. */
function answerInTime<T>(ask: () => Promise<T>, clock: Clock, maxWaitMs: number): Promise<Answer<T>> {
  return new Promise((resolve) => {
    const giveUp = () => resolve({ kind: 'none', reason: `no answer within ${maxWaitMs} ms` });
    let timer = clock.setTimer(maxWaitMs, () => {
      // Where this process itself was busy, the answer is there and has not been read: timers come before sockets.
      timer = clock.setTimer(0, giveUp);
    });
    ask().then(
      (value) => {
        timer.cancel();
        resolve({ kind: 'value', value });
      },
      (error) => {
        timer.cancel();
        resolve({ kind: 'none', reason: error instanceof Error ? error.message : String(error) });
      },
    );
  });
}
