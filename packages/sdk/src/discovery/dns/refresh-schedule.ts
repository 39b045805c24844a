import { backoffDelayMs, type Random } from '@inmesh/core';
import type { TargetResolution } from './dns-endpoints.js';
import type { DnsState } from './watch-state.js';

export interface RefreshSettings {
  readonly minRefreshMs: number;
  readonly maxRefreshMs: number;
  /** Between tries that fail; full jitter. */
  readonly failureBackoff: { readonly baseMs: number; readonly maxMs: number };
  /** How long the last good endpoints outlive «there are none». */
  readonly emptyHoldMs: number;
}

export const defaultRefresh: RefreshSettings = {
  minRefreshMs: 1_000,
  maxRefreshMs: 30_000,
  failureBackoff: { baseMs: 500, maxMs: 10_000 },
  emptyHoldMs: 30_000,
};

/** Up to this share earlier, so that a fleet that started together does not ask together for ever. */
const jitter = 0.1;

export interface RefreshInput {
  readonly outcome: TargetResolution;
  /** After the outcome. */
  readonly state: DnsState;
  readonly now: number;
  /** In a row, this outcome included. */
  readonly failures: number;
}

/** Milliseconds until the next question; Infinity when the answer can never change, as for an address literal. */
export function refreshDelayMs(settings: RefreshSettings, input: RefreshInput, random: Random): number {
  const { outcome, state, now, failures } = input;
  if (outcome.kind === 'failure') return backoffDelayMs(settings.failureBackoff, failures, random);
  if (outcome.ttlSeconds === Number.POSITIVE_INFINITY) return outcome.ttlSeconds;
  const lifetime = Math.min(Math.max(outcome.ttlSeconds * 1000, settings.minRefreshMs), settings.maxRefreshMs);
  return Math.min(lifetime * (1 - jitter * random()), holdEndsAt(settings, state) - now);
}

/** Only an answer can end the hold of the last good endpoints, so one is fetched then. */
function holdEndsAt(settings: RefreshSettings, state: DnsState): number {
  if (state.kind !== 'stale' || state.emptySince === undefined) return Number.POSITIVE_INFINITY;
  return state.emptySince + settings.emptyHoldMs;
}
