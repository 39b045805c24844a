import { MeshError, type MeshErrorReason } from '@inmesh/core';

/** How a call of a guarded function ended. */
export interface GuardEvent {
  /** The guard's name. */
  readonly name: string;
  /** `failure`: the function's own error. A reason: a MeshError, the guard's or one that the function passed on. */
  readonly outcome: 'success' | 'failure' | MeshErrorReason;
  readonly durationMs: number;
  /** How often the function was tried; 0 when the guard refused the call. */
  readonly attempts: number;
}

export function outcomeOf(error: unknown): GuardEvent['outcome'] {
  return MeshError.is(error) ? error.reason : 'failure';
}
