import { describe, expect, it } from 'vitest';
import { advance, watchStep } from '../src/canary/analysis/advance.js';
import { judge, type Limits, percent } from '../src/canary/analysis/judge.js';
import { increase, quantileOf, type Tally } from '../src/canary/analysis/tally.js';

const limits: Limits = { successRate: 0.99, minRequests: 100, latency: undefined };
const tally = (requests: number, failed = 0, durations: readonly [number, number][] = []): Tally => ({
  succeeded: requests - failed,
  failed,
  durations: new Map(durations),
});

describe('the difference of two readings', () => {
  it('adds up sources, takes one that began anew from nothing, and one that is new as a whole', () => {
    const before = new Map([
      ['a', { succeeded: 100, failed: 5 }],
      ['b', { succeeded: 50, failed: 0 }],
    ]);
    const after = new Map([
      ['a', { succeeded: 110, failed: 6 }],
      ['b', { succeeded: 7, failed: 2 }],
      ['c', { succeeded: 1, failed: 0 }],
    ]);
    expect(increase(before, after)).toMatchObject({ succeeded: 18, failed: 3 });
    expect(increase(after, before)).toMatchObject({ succeeded: 150, failed: 5 });
  });

  it('has the durations of the window alone', () => {
    const at = (...counts: number[]) => {
      const durations = new Map([10, 100, Number.POSITIVE_INFINITY].map((bound, i) => [bound, counts[i]!]));
      return new Map([['a', { succeeded: counts.reduce((a, b) => a + b), failed: 0, durations }]]);
    };
    expect([...increase(at(5, 5, 0), at(5, 8, 1)).durations]).toEqual([
      [100, 3],
      [Number.POSITIVE_INFINITY, 1],
    ]);
  });
});

describe('a quantile', () => {
  it.each([
    [[[10, 100]], 9.9],
    [
      [
        [10, 50],
        [100, 50],
      ],
      98.2,
    ],
    [
      [
        [10, 98],
        [100, 0],
        [Number.POSITIVE_INFINITY, 2],
      ],
      100,
    ],
    [[], undefined],
  ] as [[number, number][], number | undefined][])('of %j is %s', (durations, expected) => {
    const p99 = quantileOf(tally(100, 0, durations), 0.99);
    if (expected === undefined) expect(p99).toBeUndefined();
    else expect(p99).toBeCloseTo(expected, 6);
  });
});

describe('a verdict', () => {
  it.each([
    ['waiting', 99, 99],
    ['passed', 100, 0],
    ['passed', 100, 1],
    ['suspect', 100, 2],
    ['suspect', 100, 4],
    ['failed', 100, 10],
    ['suspect', 1000, 11],
    ['failed', 1000, 30],
  ] as const)('is %s of %d requests of which %d failed', (kind, requests, failed) => {
    expect(judge(tally(requests, failed), tally(0), limits).kind).toBe(kind);
  });

  it('compares with the stable version, by more than chance and by more than half a percent', () => {
    const lenient = { ...limits, successRate: 0.8 };
    const verdict = (failed: number, stableFailed: number, requests = 1000) =>
      judge(tally(requests, failed), tally(10_000, stableFailed), lenient).kind;
    expect(verdict(100, 1000)).toBe('passed');
    expect(verdict(100, 100)).toBe('failed');
    expect(verdict(20, 100)).toBe('passed');
    expect(verdict(400, 0, 100_000)).toBe('passed');
    expect(judge(tally(1000, 100), tally(99), lenient).kind).toBe('passed');
  });

  it('looks at the latency, alone or beside the stable version', () => {
    const slow = tally(100, 0, [[500, 100]]);
    const fast = tally(100, 0, [[100, 100]]);
    const within = (latency: Limits['latency']) => judge(slow, fast, { ...limits, latency });
    expect(within({ kind: 'absolute', ms: 500 }).kind).toBe('passed');
    expect(within({ kind: 'absolute', ms: 200 })).toEqual({
      kind: 'suspect',
      reason: 'the 99th percentile is 495 ms, more than 200 ms',
    });
    expect(within({ kind: 'relative', factor: 6 }).kind).toBe('passed');
    expect(within({ kind: 'relative', factor: 2 }).kind).toBe('suspect');
    expect(judge(tally(100), fast, { ...limits, latency: { kind: 'absolute', ms: 1 } }).kind).toBe('waiting');
  });

  it('never rounds a share up to all', () => {
    expect([percent(0.99999), percent(1), percent(0.9)]).toEqual(['99.99 %', '100 %', '90 %']);
  });
});

describe('the phases', () => {
  const pace = { steps: 2, intervalMs: 1000, windows: 2, maxWaitMs: 5000 };
  const watching = watchStep(0, 0);
  const suspect = { kind: 'suspect', reason: 'slow' } as const;
  const waiting = { kind: 'waiting', reason: '3 of 100 requests' } as const;

  it('go on at the end of a window that passed, and to the end after the last step', () => {
    expect(advance(watching, { kind: 'passed' }, 999, pace)).toBe(watching);
    const second = advance(watching, { kind: 'passed' }, 1000, pace);
    expect(second).toEqual(watchStep(1, 1000));
    expect(advance(second, { kind: 'passed' }, 2000, pace)).toEqual({ kind: 'promoted' });
  });

  it('go back at once when it is certain, and in the second window in a row when it is not', () => {
    expect(advance(watching, { kind: 'failed', reason: 'bad' }, 1, pace)).toEqual({
      kind: 'rolling back',
      reason: 'bad',
    });
    const again = advance(watching, suspect, 1000, pace);
    expect(again).toEqual({ kind: 'watching', step: 0, window: 2, sinceMs: 1000, suspects: 1 });
    expect(advance(again, suspect, 1999, pace)).toBe(again);
    expect(advance(again, suspect, 2000, pace)).toEqual({ kind: 'rolling back', reason: 'slow' });
    expect(advance(again, { kind: 'passed' }, 2000, pace)).toEqual(watchStep(1, 2000));
  });

  it('wait for requests, but not for ever', () => {
    expect(advance(watching, waiting, 4999, pace)).toBe(watching);
    expect(advance(watching, waiting, 5000, pace)).toEqual({
      kind: 'rolling back',
      reason: 'not enough to judge by: 3 of 100 requests',
    });
  });
});
