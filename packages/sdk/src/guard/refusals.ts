import type { MeshError } from '@inmesh/core';
import type { GuardCall } from './guard-call.js';
import type { GuardRateLimit } from './guard-policy.js';

/** What a guard says when it turns a call away, and what to do about it. All but the last end the call. */

export function closed(call: GuardCall): MeshError {
  return call.refuse('mesh_closed', { message: 'the mesh has been closed' });
}

export function rateLimited(call: GuardCall, { requests, perMs }: GuardRateLimit): MeshError {
  return call.refuse('rate_limited', {
    message: `${requests} calls in ${perMs} ms are the limit`,
    hint: 'raise rateLimit, or call less',
  });
}

export function circuitOpen(call: GuardCall, openMs: number): MeshError {
  return call.refuse('circuit_open', {
    message: 'the function has failed too often',
    hint: `look for its last errors; one call in ${openMs} ms is let through to try it`,
  });
}

export function overflow(call: GuardCall, maxConcurrent: number, maxPending: number): MeshError {
  return call.refuse('upstream_overflow', {
    message: `${maxConcurrent} runs at once and ${maxPending} calls waiting are the limit`,
    hint: 'raise maxConcurrent or maxPending, or call less',
  });
}

/** Another attempt may follow. */
export function tryTimedOut(call: GuardCall, afterMs: number): MeshError {
  return call.failure('upstream_per_try_timeout', { message: `no result within ${afterMs} ms`, maybeSent: true });
}
