import { MeshError, type MeshErrorReason } from '@inmesh/core';
import { seededRandom } from '@inmesh/core/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { controlled, failureOf, never, testGuards } from './support.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const noBreaker = { circuitBreaker: false } as const;

describe('retries', () => {
  test('repeat a failing function, and return the first success', async () => {
    const { guards, events } = testGuards();
    const fn = vi.fn(async (id: number) => {
      if (fn.mock.calls.length < 3) throw new Error('not yet');
      return id;
    });
    const result = guards.guard('flaky', fn, { retries: { attempts: 2 } })(7);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await result).toBe(7);
    expect(fn.mock.calls).toEqual([[7], [7], [7]]);
    expect(events[0]).toMatchObject({ outcome: 'success', attempts: 3 });
  });

  test('end with the last error, as it was thrown', async () => {
    const { guards } = testGuards();
    const errors = [new Error('first'), new TypeError('second, and not of the network')];
    let next = 0;
    const promise = guards.guard('failing', () => Promise.reject(errors[next++]), { retries: { attempts: 1 } })();
    const failure = failureOf(promise);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toBe(errors[1]);
  });

  test('do not depend on the text of a TypeError, as p-retry by itself does', async () => {
    const { guards } = testGuards();
    const fn = vi.fn(() => Promise.reject(new TypeError('x is undefined')));
    const failure = failureOf(guards.guard('type-error', fn, { retries: { attempts: 2 } })());
    await vi.advanceTimersByTimeAsync(1000);
    await failure;
    expect(fn).toHaveBeenCalledTimes(3);
  });

  test('pause with full jitter, which a seed repeats exactly', async () => {
    const startTimes: number[] = [];
    const { guards } = testGuards({ random: seededRandom(42) });
    const began = performance.now();
    const fn = () => {
      startTimes.push(performance.now() - began);
      return Promise.reject(new Error('no'));
    };
    const retries = { attempts: 3, backoff: { baseMs: 100, maxMs: 500 } };
    const failure = failureOf(guards.guard('jitter', fn, { retries })());
    await vi.advanceTimersByTimeAsync(2000);
    await failure;
    const random = seededRandom(42);
    const pauses = [100, 300, 500].map((ceiling) => random() * ceiling);
    const gaps = startTimes.slice(1).map((at, i) => at - startTimes[i]!);
    // Fake timers, like Node's, count in whole milliseconds.
    for (const [i, gap] of gaps.entries()) expect(Math.abs(gap - pauses[i]!)).toBeLessThanOrEqual(1);
  });

  test('ask retryOn, and stop when it says no', async () => {
    const { guards } = testGuards();
    const fn = vi.fn(() => Promise.reject(new Error('constraint')));
    const retryOn = vi.fn((error: unknown) => (error as Error).message !== 'constraint');
    await expect(guards.guard('picky', fn, { retries: { attempts: 5, retryOn } })()).rejects.toThrow('constraint');
    expect(fn).toHaveBeenCalledTimes(1);
    expect(retryOn).toHaveBeenCalledTimes(1);
  });

  test.each<[MeshErrorReason, number]>([
    ['upstream_connection_failure', 2],
    ['upstream_request_timeout', 2],
    ['circuit_open', 1],
    ['rate_limited', 1],
    ['deadline_exceeded', 1],
    ['caller_cancelled', 1],
    ['unauthorized', 1],
  ])('by default try a function that fails with %s %i times', async (reason, times) => {
    const { guards } = testGuards();
    const fn = vi.fn(() => Promise.reject(new MeshError(reason)));
    const failure = failureOf(guards.guard('nested', fn, { retries: { attempts: 1 } })());
    await vi.advanceTimersByTimeAsync(1000);
    expect((await failure).reason).toBe(reason);
    expect(fn).toHaveBeenCalledTimes(times);
  });
});

describe('perTryTimeoutMs', () => {
  test('ends one attempt and lets the next one start', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const result = guards.guard('per-try', fn, {
      retries: { attempts: 1, perTryTimeoutMs: 50, backoff: { maxMs: 1 } },
    })();
    await vi.advanceTimersByTimeAsync(60);
    expect(fn).toHaveBeenCalledTimes(2);
    ends[1]!.resolve('second');
    expect(await result).toBe('second');
  });

  test('says which attempt it was', async () => {
    const { guards } = testGuards();
    const failure = failureOf(guards.guard('hung', never, { retries: { attempts: 1, perTryTimeoutMs: 50 } })());
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failure).toMatchObject({ reason: 'upstream_per_try_timeout', attempts: 2, cluster: 'guard|hung' });
  });

  test('is not undone by an earlier attempt that ends late', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const retries = { attempts: 1, perTryTimeoutMs: 50, backoff: { maxMs: 1 } };
    const failure = failureOf(guards.guard('late-first', fn, { timeoutMs: 80, retries, ...noBreaker })());
    await vi.advanceTimersByTimeAsync(55);
    ends[0]!.resolve('nobody waits for this');
    await vi.advanceTimersByTimeAsync(25);
    expect((await failure).reason).toBe('deadline_exceeded');
  });
});

describe('the deadline', () => {
  test('lets no attempt start after it: a pause that would outlast it is not begun', async () => {
    const { guards } = testGuards({ random: () => 0.999 });
    const own = new Error('own');
    const fn = vi.fn(() => Promise.reject(own));
    const policy = { timeoutMs: 100, retries: { attempts: 5, backoff: { baseMs: 60, maxMs: 10_000 } } };
    const failure = failureOf(guards.guard('short', fn, policy)());
    await vi.advanceTimersByTimeAsync(60);
    expect(await failure).toBe(own);
    expect(fn).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('covers all attempts together', async () => {
    const { guards } = testGuards();
    const policy = { timeoutMs: 120, retries: { attempts: 9, perTryTimeoutMs: 50, backoff: { maxMs: 0 } } };
    const failure = failureOf(guards.guard('together', never, policy)());
    await vi.advanceTimersByTimeAsync(120);
    expect(await failure).toMatchObject({ reason: 'deadline_exceeded', attempts: 3 });
  });
});
