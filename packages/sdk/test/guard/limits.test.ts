import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { controlled, failureOf, settle, testGuards } from './support.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('maxConcurrent', () => {
  test('runs so many at once, and the others in their order', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const call = guards.guard('db', fn, { maxConcurrent: 2 });
    const results = [call(), call(), call(), call()];
    await settle();
    expect(fn).toHaveBeenCalledTimes(2);
    ends[1]!.resolve('b');
    await settle();
    expect(fn).toHaveBeenCalledTimes(3);
    ends[0]!.resolve('a');
    await settle();
    ends[2]!.resolve('c');
    ends[3]!.resolve('d');
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('refuses at once, before any timer fires, what finds no room to wait', async () => {
    const { guards, events } = testGuards();
    const { fn, ends } = controlled();
    const call = guards.guard('full', fn, { maxConcurrent: 2, maxPending: 1 });
    const accepted = [call(), call(), call()];
    expect(await failureOf(call())).toMatchObject({
      reason: 'upstream_overflow',
      cluster: 'guard|full',
      attempts: 0,
      message: '2 runs at once and 1 calls waiting are the limit',
    });
    expect(events).toEqual([{ name: 'full', outcome: 'upstream_overflow', durationMs: 0, attempts: 0 }]);
    for (const [i] of accepted.entries()) {
      await settle();
      ends[i]!.resolve('ok');
    }
    await settle();
    expect(await Promise.all(accepted)).toEqual(['ok', 'ok', 'ok']);
    const next = call();
    await settle();
    ends[3]!.resolve('room again');
    expect(await next).toBe('room again');
  });

  test('counts a run that timed out until the function settles', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const call = guards.guard('hung', fn, { timeoutMs: 50, maxConcurrent: 1, maxPending: 0 });
    const first = failureOf(call());
    await vi.advanceTimersByTimeAsync(50);
    expect((await first).reason).toBe('deadline_exceeded');
    expect((await failureOf(call())).reason).toBe('upstream_overflow');
    ends[0]!.reject(new Error('settled at last'));
    await settle();
    const second = call();
    await settle();
    ends[1]!.resolve('free');
    expect(await second).toBe('free');
  });

  test('does not run a call whose time ran out while it waited', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const call = guards.guard('queue', fn, { timeoutMs: 50, maxConcurrent: 1 });
    const first = failureOf(call());
    const second = failureOf(call());
    await vi.advanceTimersByTimeAsync(50);
    expect(await second).toMatchObject({ reason: 'deadline_exceeded', attempts: 0, maybeSent: false });
    await first;
    ends[0]!.resolve('late');
    await settle();
    expect(fn).toHaveBeenCalledTimes(1);
    const third = call();
    await settle();
    ends[1]!.resolve('third');
    expect(await third).toBe('third');
  });

  test('serves many more than the 390 calls a second that bottleneck by itself gets through', async () => {
    vi.useRealTimers();
    const { guards } = testGuards();
    const call = guards.guard('fast', async () => 1, { maxConcurrent: 16 });
    const began = performance.now();
    await Promise.all(Array.from({ length: 500 }, () => call()));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('rateLimit', () => {
  test('lets through exactly so many in the time, and the next when the first is old enough', async () => {
    const { guards } = testGuards();
    const fn = vi.fn(async () => 1);
    const call = guards.guard('api', fn, { rateLimit: { requests: 3, perMs: 1000 } });
    await call();
    await vi.advanceTimersByTimeAsync(600);
    await call();
    await call();
    expect(await failureOf(call())).toMatchObject({
      reason: 'rate_limited',
      message: '3 calls in 1000 ms are the limit',
    });
    await vi.advanceTimersByTimeAsync(399);
    expect((await failureOf(call())).reason).toBe('rate_limited');
    await vi.advanceTimersByTimeAsync(1);
    await call();
    expect((await failureOf(call())).reason).toBe('rate_limited');
    expect(fn).toHaveBeenCalledTimes(4);
  });

  test('is never exceeded in any window, wherever it begins', async () => {
    const { guards } = testGuards();
    const passedAt: number[] = [];
    const call = guards.guard('any', async () => void passedAt.push(performance.now()), {
      rateLimit: { requests: 10, perMs: 100 },
    });
    for (let ms = 0; ms < 1000; ms += 1) {
      await call().catch(() => {});
      await vi.advanceTimersByTimeAsync(1);
    }
    const most = Math.max(...passedAt.map((from) => passedAt.filter((at) => at >= from && at < from + 100).length));
    expect({ most, all: passedAt.length }).toEqual({ most: 10, all: 100 });
  });

  test('counts a call once, however often it is retried', async () => {
    const { guards } = testGuards();
    const fn = vi.fn(() => Promise.reject(new Error('no')));
    const policy = { rateLimit: { requests: 1, perMs: 1000 }, retries: { attempts: 2, backoff: { maxMs: 0 } } };
    const failure = failureOf(guards.guard('once', fn, policy)());
    await vi.advanceTimersByTimeAsync(10);
    expect((await failure).message).toBe('no');
    expect(fn).toHaveBeenCalledTimes(3);
  });
});
