import { UsageError } from '../command.js';

/** How a canary ended, and what its process ends with. */
export const exitCodes = {
  promoted: 0,
  /** A dry run. */
  planned: 0,
  rolled_back: 1,
  /** Somebody else owns or has changed the weights, or takes care of them with a canary of their own. */
  conflict: 3,
  /** The object could not be read or written. The weights are as they were said last. */
  failed: 3,
  interrupted: 130,
} as const;

export type OutcomeKind = keyof typeof exitCodes;

export interface Outcome {
  readonly kind: OutcomeKind;
  readonly reason?: string | undefined;
}

/** Weights are not this canary's to change. Its message says whose they are, and what there is to do. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/** What is thrown is an outcome too. @throws UsageError */
export async function outcomeOf<T>(act: () => Promise<T>): Promise<{ readonly value: T } | Outcome> {
  try {
    return { value: await act() };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return { kind: error instanceof Conflict ? 'conflict' : 'failed', reason: (error as Error).message };
  }
}
