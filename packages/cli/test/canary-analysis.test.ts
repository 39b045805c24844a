import { describe, expect, it } from 'vitest';
import { advance, beginStep, type Phase, settle } from '../src/canary/analysis/advance.js';
import { judge, type Limits, percent } from '../src/canary/analysis/judge.js';
import { increase, quantileOf, type Tally } from '../src/canary/analysis/tally.js';
import { Window } from '../src/canary/analysis/window.js';

const limits: Limits = { successRate: 0.99, minRequests: 100, latency: undefined };
const tally = (requests: number, failed = 0, durations: readonly [number, number][] = []): Tally => ({
  succeeded: requests - failed,
  failed,
  durations: new Map(durations),
});

describe('the difference of two readings', () => {
  it('adds up sources; one that is new or has less than before counts from now on', () => {
    const before = new Map([
      ['a', { succeeded: 100, failed: 5 }],
      ['b', { succeeded: 50, failed: 0 }],
    ]);
    const after = new Map([
      ['a', { succeeded: 110, failed: 6 }],
      ['b', { succeeded: 7, failed: 2 }],
      ['c', { succeeded: 5000, failed: 0 }],
    ]);
    expect(increase(before, after)).toMatchObject({ succeeded: 10, failed: 1 });
    expect(increase(after, before)).toMatchObject({ succeeded: 0, failed: 0 });
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

describe('a window', () => {
  const reading = (canary: Readonly<Record<string, number>>, lost = 0) => ({
    canary: new Map(Object.entries(canary).map(([source, succeeded]) => [source, { succeeded, failed: 0 }])),
    stable: new Map(),
    lost: new Map([['host', { succeeded: 0, failed: lost }]]),
  });

  it('goes on with a source that could not be read once, and begins with one that it has not seen', () => {
    const window = new Window(reading({ a: 100, b: 10 }, 7), 0);
    window.add(reading({ a: 110 }, 7), 1000);
    window.add(reading({ a: 111, b: 15, c: 5000 }, 9), 2000);
    window.add(reading({ a: 111, b: 15, c: 5002 }, 9), 3000);
    expect(window.canary.succeeded).toBe(18);
    expect(window.lost.failed).toBe(2);
  });

  it('knows what came lately', () => {
    const window = new Window(reading({ a: 0 }), 0);
    window.add(reading({ a: 100 }), 1000);
    window.add(reading({ a: 100 }), 2000);
    window.add(reading({ a: 103 }), 3000);
    expect([0, 1000, 1999, 2000, 3000].map((ms) => window.requestsSince(ms))).toEqual([103, 3, 3, 3, 0]);
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

  it('is never made of what is no number', () => {
    const none = tally(Number.NaN);
    for (const [canary, stable] of [
      [none, tally(100)],
      [tally(100), none],
    ] as const) {
      expect(judge(canary, stable, limits)).toEqual({ kind: 'waiting', reason: 'the numbers cannot be read' });
    }
  });

  it('has fewer durations than requests to go by only when there are enough of both', () => {
    const slow = tally(100, 0, [[500, 100]]);
    const few = tally(20, 0, [[100, 20]]);
    const relative = { ...limits, latency: { kind: 'relative', factor: 2 } } as const;
    expect(judge(slow, few, relative)).toMatchObject({
      kind: 'waiting',
      reason: 'fewer than 100 durations of the stable version are reported',
    });
    expect(judge(slow, few, relative, { stableP99Ms: 250 }).kind).toBe('passed');
    expect(judge(slow, few, relative, { stableP99Ms: 240 }).kind).toBe('suspect');
    const partly = tally(100, 0, [[1, 99]]);
    expect(judge(partly, few, { ...limits, latency: { kind: 'absolute', ms: 5 } })).toMatchObject({
      kind: 'waiting',
      reason: 'the durations of 99 requests are reported, and not of 100',
    });
  });

  it('is of the host too: calls that reach no version may all have been for this one', () => {
    const lost = (failed: number) => judge(tally(0), tally(1000), limits, { lost: tally(failed, failed) });
    expect(lost(50)).toEqual({
      kind: 'failed',
      reason: '50 of 1050 calls of the host reached no version: no healthy endpoint, or too many at once',
    });
    expect(lost(12).kind).toBe('suspect');
    expect(lost(3).kind).toBe('waiting');
    expect(judge(tally(1000), tally(1000), limits, { lost: tally(3, 3) }).kind).toBe('passed');
  });

  it('never rounds a share up to all', () => {
    expect([percent(0.99999), percent(1), percent(0.9)]).toEqual(['99.99 %', '100 %', '90 %']);
  });
});

describe('the phases', () => {
  const pace = { steps: 2, settleMs: 300, intervalMs: 1000, windows: 2, maxWaitMs: 5000 };
  const watching: Phase = { kind: 'watching', step: 0, window: 1, sinceMs: 0, suspects: 0 };
  const suspect = { kind: 'suspect', reason: 'slow' } as const;
  const waiting = { kind: 'waiting', reason: '3 of 100 requests' } as const;

  it('go on at the end of a window that passed, and to the end after the last step', () => {
    expect(advance(watching, { kind: 'passed' }, 999, pace)).toBe(watching);
    const second = advance(watching, { kind: 'passed' }, 1000, pace);
    expect(second).toEqual(beginStep(1, 1000));
    expect(advance({ ...watching, step: 1 }, { kind: 'passed' }, 2000, pace)).toEqual({ kind: 'promoted' });
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
    expect(advance(again, { kind: 'passed' }, 2000, pace)).toEqual(beginStep(1, 2000));
  });

  it('let the weights of a step settle, and wait until it is known what was counted before', () => {
    const begun = beginStep(1, 5000);
    expect(settle(begun, undefined, 5299, pace)).toBe(begun);
    const first = { kind: 'watching', step: 1, window: 1, sinceMs: 5300, suspects: 0 };
    expect(settle(begun, undefined, 5300, pace)).toEqual(first);
    expect(settle(begun, 'away', 10_299, pace)).toBe(begun);
    expect(settle(begun, undefined, 10_299, pace)).toEqual({ ...first, sinceMs: 10_299 });
    const reason = 'not enough to judge by: away';
    expect(settle(begun, 'away', 10_300, pace)).toEqual({ kind: 'rolling back', reason });
  });

  it('wait for requests, but not for ever', () => {
    expect(advance(watching, waiting, 4999, pace)).toBe(watching);
    expect(advance(watching, waiting, 5000, pace)).toEqual({
      kind: 'rolling back',
      reason: 'not enough to judge by: 3 of 100 requests',
    });
  });
});
