import type { DnsFailureReason } from './dns-answer.js';
import { type DnsEndpoint, endpointSet, type TargetResolution } from './dns-endpoints.js';

/** What is known of one target. Times are the clock's milliseconds. */
export type DnsState =
  | { readonly kind: 'pending' }
  | {
      readonly kind: 'resolved';
      readonly endpoints: readonly DnsEndpoint[];
      /** Since when answers have been partial without a whole one in between. */
      readonly partialSince: number | undefined;
    }
  /** The last good endpoints, kept although the resolver now fails or says that there are none. */
  | {
      readonly kind: 'stale';
      readonly endpoints: readonly DnsEndpoint[];
      readonly partialSince: number | undefined;
      readonly reason: DnsFailureReason | 'notFound';
      /** When «there are none» was first heard without a good answer since. */
      readonly emptySince: number | undefined;
    }
  /** The resolver says that there are none, and nothing (more) contradicts it. */
  | { readonly kind: 'empty' }
  /** Never resolved: there is nothing to keep. */
  | { readonly kind: 'failed'; readonly reason: DnsFailureReason };

const none: readonly DnsEndpoint[] = Object.freeze([]);

export function endpointsOf(state: DnsState): readonly DnsEndpoint[] {
  return state.kind === 'resolved' || state.kind === 'stale' ? state.endpoints : none;
}

/** @param holdMs how long the last good endpoints outlive answers that take (some of) them away */
export function nextState(state: DnsState, outcome: TargetResolution, now: number, holdMs: number): DnsState {
  if (outcome.kind === 'endpoints') return onEndpoints(state, outcome.endpoints, outcome.partial, now, holdMs);
  if (outcome.kind === 'failure') return onFailure(state, outcome.reason);
  return onNotFound(state, now, holdMs);
}

/**
 * A partial answer adds to the last good endpoints at first. Not for ever: a server that always fails one of the two
 * address families would keep dead endpoints alive.
 */
function onEndpoints(
  state: DnsState,
  endpoints: readonly DnsEndpoint[],
  partial: boolean,
  now: number,
  holdMs: number,
): DnsState {
  if (!partial) return { kind: 'resolved', endpoints, partialSince: undefined };
  const partialSince = ('partialSince' in state ? state.partialSince : undefined) ?? now;
  if (now - partialSince >= holdMs) return { kind: 'resolved', endpoints, partialSince };
  return { kind: 'resolved', endpoints: addMissing(endpoints, endpointsOf(state)), partialSince };
}

function addMissing(fresh: readonly DnsEndpoint[], kept: readonly DnsEndpoint[]): readonly DnsEndpoint[] {
  const known = new Set(fresh.map((endpoint) => endpoint.address));
  return endpointSet([...fresh, ...kept.filter((endpoint) => !known.has(endpoint.address))]);
}

function onFailure(state: DnsState, reason: DnsFailureReason): DnsState {
  switch (state.kind) {
    case 'pending':
    case 'failed':
      return { kind: 'failed', reason };
    case 'resolved':
      return { ...state, kind: 'stale', reason, emptySince: undefined };
    case 'stale':
      return { ...state, reason };
    case 'empty':
      return state;
  }
}

function onNotFound(state: DnsState, now: number, holdMs: number): DnsState {
  switch (state.kind) {
    case 'pending':
    case 'failed':
    case 'empty':
      return { kind: 'empty' };
    case 'resolved':
      return { ...state, kind: 'stale', reason: 'notFound', emptySince: now };
    case 'stale': {
      const emptySince = state.emptySince ?? now;
      return now - emptySince >= holdMs ? { kind: 'empty' } : { ...state, reason: 'notFound', emptySince };
    }
  }
}
