import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { controlled, failureOf, never, settle, testGuards } from './support.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('policies together', () => {
  test('an open circuit ends a call between its attempts, and is not itself retried', async () => {
    const { guards, events } = testGuards();
    const fn = vi.fn(() => Promise.reject(new Error('down')));
    const call = guards.guard('both', fn, {
      retries: { attempts: 9, backoff: { maxMs: 1 }, retryOn: () => true },
      circuitBreaker: { consecutiveErrors: 3 },
    });
    const failure = failureOf(call());
    await vi.advanceTimersByTimeAsync(100);
    expect(await failure).toMatchObject({ reason: 'circuit_open', attempts: 3 });
    expect(fn).toHaveBeenCalledTimes(3);
    expect(events).toMatchObject([{ outcome: 'circuit_open', attempts: 3 }]);
  });

  test('an open circuit turns calls away before they wait for a place', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const call = guards.guard('places', fn, {
      maxConcurrent: 1,
      maxPending: 5,
      circuitBreaker: { consecutiveErrors: 1 },
    });
    const first = failureOf(call());
    const waiting = failureOf(call());
    await settle();
    ends[0]!.reject(new Error('down'));
    await settle();
    await first;
    expect((await waiting).reason).toBe('circuit_open');
    expect((await failureOf(call())).reason).toBe('circuit_open');
    expect(fn).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(30_000);
    const probe = call();
    await settle();
    ends[1]!.resolve('the place was given back');
    expect(await probe).toBe('the place was given back');
  });

  test('the time for one try begins when the function does, not in the queue', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const call = guards.guard('try', fn, { maxConcurrent: 1, retries: { attempts: 0, perTryTimeoutMs: 50 } });
    const first = call();
    const second = call();
    await vi.advanceTimersByTimeAsync(40);
    ends[0]!.resolve('first');
    await vi.advanceTimersByTimeAsync(40);
    ends[1]!.resolve('second');
    expect(await Promise.all([first, second])).toEqual(['first', 'second']);
  });

  test('all of them let a healthy call through', async () => {
    const { guards } = testGuards();
    const call = guards.guard('all', async (n: number) => n * 2, {
      timeoutMs: 1000,
      retries: { attempts: 2, perTryTimeoutMs: 100 },
      circuitBreaker: {},
      maxConcurrent: 4,
      maxPending: 4,
      rateLimit: { requests: 100, perMs: 1000 },
    });
    const results = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((n) => call(n)));
    await vi.advanceTimersByTimeAsync(10);
    expect(await results).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
  });
});

describe('close', () => {
  test('refuses later calls, fails those that wait, and lets runs under way end', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const call = guards.guard('closing', fn, { maxConcurrent: 1 });
    const running = call();
    const waiting = failureOf(call());
    await settle();
    guards.close();
    expect(await waiting).toMatchObject({ reason: 'mesh_closed', cluster: 'guard|closing', attempts: 0 });
    expect((await failureOf(call())).reason).toBe('mesh_closed');
    ends[0]!.resolve('ended by itself');
    expect(await running).toBe('ended by itself');
    await settle();
    expect(fn).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends the pause before a retry, and leaves no timer of it', async () => {
    const { guards } = testGuards({ random: () => 0.9 });
    const retries = { attempts: 3, backoff: { baseMs: 10_000, maxMs: 10_000 } };
    const failure = failureOf(guards.guard('pausing', () => Promise.reject(new Error('no')), { retries })());
    await settle();
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    guards.close();
    expect((await failure).reason).toBe('mesh_closed');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leaves no timer of breakers that are open or half-open with a probe out', async () => {
    const { guards } = testGuards();
    const fail = () => Promise.reject(new Error('no'));
    const circuitBreaker = { consecutiveErrors: 1, openMs: 1000 };
    await failureOf(guards.guard('open', fail, { circuitBreaker: { ...circuitBreaker, openMs: 60_000 } })());
    let behave: () => Promise<unknown> = fail;
    const halfOpen = guards.guard('half-open', () => behave(), { timeoutMs: 0, circuitBreaker });
    await failureOf(halfOpen());
    await vi.advanceTimersByTimeAsync(1000);
    behave = never;
    void halfOpen();
    await settle();
    expect(vi.getTimerCount()).toBe(2);
    guards.close();
    guards.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not needed for the process to end: an idle guard holds no resources', async () => {
    vi.useRealTimers();
    const { guards } = testGuards();
    const before = process.getActiveResourcesInfo().length;
    const call = guards.guard('idle', async () => 1, { maxConcurrent: 2, rateLimit: { requests: 100, perMs: 1000 } });
    await call();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
  });
});
