import { describe, expect, it } from 'vitest';
import type { TargetResolution } from './dns-endpoints.js';
import { defaultRefresh, refreshDelayMs } from './refresh-schedule.js';
import type { DnsState } from './watch-state.js';

const resolved: DnsState = { kind: 'resolved', endpoints: [], partialSince: undefined };
const good = (ttlSeconds: number): TargetResolution => ({
  kind: 'endpoints',
  endpoints: [],
  ttlSeconds,
  partial: false,
});
const failure: TargetResolution = { kind: 'failure', reason: 'timeout' };

function delay(
  outcome: TargetResolution,
  overrides: { state?: DnsState; failures?: number; random?: number } = {},
): number {
  const { state = resolved, failures = 0, random = 0 } = overrides;
  return refreshDelayMs(defaultRefresh, { outcome, state, now: 0, failures }, () => random);
}

describe('refreshDelayMs', () => {
  it.each([
    [0, 1_000],
    [5, 5_000],
    [3600, 30_000],
  ])('turns a lifetime of %d s into %d ms', (ttlSeconds, expected) => {
    expect(delay(good(ttlSeconds))).toBe(expected);
    expect(delay({ kind: 'notFound', ttlSeconds })).toBe(expected);
  });

  it('comes up to a tenth earlier', () => {
    expect(delay(good(10), { random: 0.5 })).toBe(9_500);
    expect(delay(good(10), { random: 1 })).toBe(9_000);
  });

  it('never asks again for what needs no server', () => {
    expect(delay(good(Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
  });

  it('backs off from failures with full jitter up to 10 s', () => {
    expect([1, 2, 3, 4, 5, 6].map((failures) => delay(failure, { failures, random: 1 }))).toEqual([
      500, 1_500, 3_500, 7_500, 10_000, 10_000,
    ]);
    expect(delay(failure, { failures: 9, random: 0.25 })).toBe(2_500);
  });

  it('asks when the hold of the last good endpoints ends', () => {
    const held = {
      kind: 'stale',
      endpoints: [],
      partialSince: undefined,
      reason: 'notFound',
      emptySince: -28_000,
    } as const;
    expect(delay({ kind: 'notFound', ttlSeconds: 30 }, { state: held })).toBe(2_000);
  });

  it('keeps to the back-off when the hold ended while the resolver fails', () => {
    const held = {
      kind: 'stale',
      endpoints: [],
      partialSince: undefined,
      reason: 'timeout',
      emptySince: -90_000,
    } as const;
    expect(delay(failure, { state: held, failures: 4, random: 0.5 })).toBe(3_750);
  });
});
