import { backoffDelayMs, type Clock, type Random } from '@inmesh/core';
import pRetry from 'p-retry';
import type { GuardCall } from './guard-call.js';
import type { ResolvedRetries } from './guard-policy.js';

export interface RetryDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** The policy's `retryOn`, made safe. */
  readonly isRetriable: (error: unknown) => boolean;
}

/**
 * Carries a failure through p-retry, which throws a TypeError at once unless its text is that of a known network error,
 * turns what is no Error into a TypeError, and takes its own AbortError for an order. The user's errors are none of these.
 */
class AttemptFailure extends Error {
  constructor(readonly reason: unknown) {
    super('attempt failed');
  }
}

/** Repeats `attempt` by the policy. The last attempt's error is the one that comes out, as it was thrown. */
export async function withRetries<T>(
  call: GuardCall,
  { attempts, backoff }: Pick<ResolvedRetries, 'attempts' | 'backoff'>,
  { clock, random, isRetriable }: RetryDeps,
  attempt: () => Promise<T>,
): Promise<T> {
  const input = () =>
    attempt().catch((error: unknown) => {
      throw new AttemptFailure(error);
    });
  const shouldRetry = async ({ error, attemptNumber }: { error: Error; attemptNumber: number }): Promise<boolean> => {
    if (call.ended !== undefined || !isRetriable((error as AttemptFailure).reason)) return false;
    const delayMs = backoffDelayMs(backoff, attemptNumber, random);
    if (clock.now() + delayMs >= call.deadline) return false;
    await call.sleep(delayMs);
    return true;
  };
  try {
    // p-retry's own delay has no injected random and no injected clock, so it is zero, and the pause is made in shouldRetry.
    return await pRetry(input, { retries: attempts, minTimeout: 0, shouldRetry });
  } catch (error) {
    throw error instanceof AttemptFailure ? error.reason : error;
  }
}
