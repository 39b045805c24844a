import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GuardCircuitBreaker } from '../../src/guard/guard-policy.js';
import { controlled, failureOf, settle, testGuards } from './support.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A guarded function that does what `behave` says at the time. */
function breakable(circuitBreaker: GuardCircuitBreaker) {
  const { guards } = testGuards();
  const state = { behave: (): Promise<string> => Promise.resolve('ok') };
  const fn = vi.fn(() => state.behave());
  const call = guards.guard('breakable', fn, { timeoutMs: 0, circuitBreaker });
  const fail = () => Promise.reject(new Error('down'));
  const times = async (count: number, behave: () => Promise<string>) => {
    state.behave = behave;
    for (let i = 0; i < count; i += 1) await call().catch(() => {});
  };
  return { guards, call, fn, state, fail, times, ok: () => Promise.resolve('ok') };
}

describe('a circuit breaker', () => {
  test('opens at its share of failures once there is enough to judge by, and not before', async () => {
    const { call, fn, fail, ok, times } = breakable({ errorThresholdPercentage: 50, volumeThreshold: 10 });
    await times(5, ok);
    await times(4, fail);
    fn.mockClear();
    await times(1, fail); // 5 of 10: at the threshold
    expect(fn).toHaveBeenCalledTimes(1);
    expect(await failureOf(call())).toMatchObject({
      reason: 'circuit_open',
      cluster: 'guard|breakable',
      attempts: 0,
      hint: 'look for its last errors; one call in 30000 ms is let through to try it',
    });
    expect(fn).toHaveBeenCalledTimes(1);
  });

  test('stays closed below its share', async () => {
    const { call, fail, ok, times } = breakable({ errorThresholdPercentage: 50, volumeThreshold: 10 });
    await times(6, ok);
    await times(5, fail);
    await times(1, ok);
    expect(await call()).toBe('ok');
  });

  test('opens after so many failures in a row, if told to', async () => {
    const { call, fail, ok, times } = breakable({ consecutiveErrors: 3, volumeThreshold: 1000 });
    await times(2, fail);
    await times(1, ok);
    await times(2, fail);
    await times(1, ok);
    await times(3, fail);
    expect((await failureOf(call())).reason).toBe('circuit_open');
  });

  test('forgets failures that have left the window, without a timer of its own', async () => {
    const { call, fail, ok, times } = breakable({ volumeThreshold: 4, windowMs: 1000 });
    await times(3, fail);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(1100);
    await times(1, fail);
    await times(1, ok);
    expect(await call()).toBe('ok');
  });

  test('counts only what isFailure says', async () => {
    const isFailure = (error: unknown) => (error as Error).message !== 'duplicate key';
    const { call, fail, times } = breakable({ consecutiveErrors: 2, isFailure });
    await times(10, () => Promise.reject(new Error('duplicate key')));
    await times(1, fail);
    await expect(call()).rejects.toThrow('down');
    expect((await failureOf(call())).reason).toBe('circuit_open');
  });

  test('lets exactly one of many calls through when it is half-open, and closes by its success', async () => {
    const { call, fn, fail, times, state } = breakable({ consecutiveErrors: 1, openMs: 1000 });
    await times(1, fail);
    await vi.advanceTimersByTimeAsync(999);
    expect((await failureOf(call())).reason).toBe('circuit_open');
    await vi.advanceTimersByTimeAsync(1);
    fn.mockClear();
    const { fn: probe, ends } = controlled();
    state.behave = probe;
    const all = Promise.allSettled(Array.from({ length: 100 }, () => call()));
    await settle();
    expect(fn).toHaveBeenCalledTimes(1);
    ends[0]!.resolve('probe');
    const results = await all;
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    state.behave = () => Promise.resolve('ok');
    expect(await call()).toBe('ok');
  });

  test('opens again for the whole time when the probe fails', async () => {
    const { call, fn, fail, times } = breakable({ consecutiveErrors: 1, openMs: 1000 });
    await times(1, fail);
    await vi.advanceTimersByTimeAsync(1000);
    await times(1, fail);
    await vi.advanceTimersByTimeAsync(999);
    expect((await failureOf(call())).reason).toBe('circuit_open');
    await vi.advanceTimersByTimeAsync(1);
    await times(1, fail);
    expect(fn).toHaveBeenCalledTimes(3);
  });

  test('is not stuck by a probe that never settles: it opens again, and later sends another', async () => {
    const { call, fn, fail, ok, times, state } = breakable({ consecutiveErrors: 1, openMs: 1000 });
    await times(1, fail);
    await vi.advanceTimersByTimeAsync(1000);
    const { fn: probe, ends } = controlled();
    state.behave = probe;
    const hung = call();
    await vi.advanceTimersByTimeAsync(1999); // the probe's second, and nearly another
    expect((await failureOf(call())).reason).toBe('circuit_open');
    await vi.advanceTimersByTimeAsync(1);
    state.behave = ok;
    expect(await call()).toBe('ok');
    expect(await call()).toBe('ok');
    ends[0]!.resolve('late'); // its own caller still gets it
    expect(await hung).toBe('late');
    expect(fn).toHaveBeenCalledTimes(4);
  });

  test('does not take the late end of a call from before for the probe', async () => {
    const { call, fail, times, state } = breakable({ consecutiveErrors: 1, openMs: 1000 });
    const { fn: slow, ends } = controlled();
    state.behave = slow;
    const early = Promise.allSettled([call(), call()]);
    await times(1, fail);
    await vi.advanceTimersByTimeAsync(1000);
    state.behave = slow;
    const probe = call();
    ends[0]!.resolve('slow success'); // opossum alone would close now
    await settle();
    expect((await failureOf(call())).reason).toBe('circuit_open');
    ends[1]!.reject(new Error('slow failure')); // and open now
    await settle();
    ends[2]!.resolve('probe');
    expect(await probe).toBe('probe');
    state.behave = () => Promise.resolve('ok');
    expect(await call()).toBe('ok');
    await early;
  });

  test('begins a new count when it has closed', async () => {
    const { call, fail, ok, times } = breakable({ volumeThreshold: 2, openMs: 10, windowMs: 10_000 });
    await times(2, fail);
    await vi.advanceTimersByTimeAsync(10);
    await times(1, ok);
    await times(1, fail);
    await expect(call()).rejects.toThrow('down');
  });

  test('counts a call that ran out of time as a failure', async () => {
    const { guards } = testGuards();
    const { fn } = controlled();
    const call = guards.guard('slow', fn, { timeoutMs: 50, circuitBreaker: { consecutiveErrors: 1 } });
    const failure = failureOf(call());
    await vi.advanceTimersByTimeAsync(50);
    expect((await failure).reason).toBe('deadline_exceeded');
    expect((await failureOf(call())).reason).toBe('circuit_open');
  });

  test('can be switched off', async () => {
    const { guards } = testGuards();
    const fn = vi.fn(() => Promise.reject(new Error('down')));
    const call = guards.guard('off', fn, { circuitBreaker: false });
    for (let i = 0; i < 100; i += 1) await call().catch(() => {});
    expect(fn).toHaveBeenCalledTimes(100);
  });
});
