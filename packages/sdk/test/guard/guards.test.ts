import { MeshError } from '@inmesh/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { testGuards } from './support.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a guarded function', () => {
  test('keeps its arguments, its result and its this', async () => {
    const { guards } = testGuards();
    const db = {
      name: 'orders',
      find: guards.guard('orders-db', async function (this: { name: string }, id: number, table: string) {
        return `${this.name}/${table}/${id}`;
      }),
    };
    expect(await db.find(7, 'rows')).toBe('orders/rows/7');
  });

  test('begins before the call returns, as it would unguarded', () => {
    const { guards } = testGuards();
    const fn = vi.fn(async () => 1);
    void guards.guard('prompt', fn)();
    void guards.guard('prompt with retries', fn, { retries: { attempts: 1 } })();
    expect(fn).toHaveBeenCalledTimes(2);
  });

  test('turns a synchronous throw into a rejection with the same error', async () => {
    const { guards } = testGuards();
    const thrown = new RangeError('no');
    const guarded = guards.guard('sync', (): string => {
      throw thrown;
    });
    const promise = guarded();
    await expect(promise).rejects.toBe(thrown);
  });

  test('passes on a rejection that is no Error unchanged, with and without retries', async () => {
    const { guards } = testGuards();
    const policies = [{}, { retries: { attempts: 1 } }];
    for (const [i, policy] of policies.entries()) {
      const promise = guards.guard(`odd-${i}`, () => Promise.reject({ odd: i }), policy)();
      const caught = promise.catch((error) => error);
      await vi.advanceTimersByTimeAsync(1000);
      expect(await caught).toEqual({ odd: i });
    }
  });

  test('tells its outcome, its time and its attempts', async () => {
    const { guards, events } = testGuards();
    const ok = guards.guard('ok', () => new Promise((resolve) => setTimeout(resolve, 30)));
    const bad = guards.guard('bad', () => Promise.reject(new Error('no')));
    const passedOn = guards.guard('passed-on', () => Promise.reject(new MeshError('no_healthy_upstream')));
    const promises = [ok(), bad(), passedOn()];
    const all = Promise.allSettled(promises);
    await vi.advanceTimersByTimeAsync(30);
    await all;
    expect(events).toEqual([
      { name: 'bad', outcome: 'failure', durationMs: 0, attempts: 1 },
      { name: 'passed-on', outcome: 'no_healthy_upstream', durationMs: 0, attempts: 1 },
      { name: 'ok', outcome: 'success', durationMs: 30, attempts: 1 },
    ]);
  });

  test('leaves no timer when it is done', async () => {
    const { guards } = testGuards();
    const guarded = guards.guard('done', async () => 1, {
      timeoutMs: 5000,
      retries: { attempts: 2, perTryTimeoutMs: 100 },
      maxConcurrent: 1,
      rateLimit: { requests: 10, perMs: 1000 },
    });
    const result = guarded();
    await vi.advanceTimersByTimeAsync(1);
    expect(await result).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a name', () => {
  test('used twice with equal policies shares its state', async () => {
    const { guards } = testGuards();
    const policy = () => ({ rateLimit: { requests: 1, perMs: 1000 } });
    const one = guards.guard('shared', async () => 1, policy());
    const two = guards.guard('shared', async () => 2, policy());
    expect(await one()).toBe(1);
    await expect(two()).rejects.toMatchObject({ reason: 'rate_limited' });
  });

  test('used with another policy is refused, and says what to do', () => {
    const { guards } = testGuards();
    guards.guard('twice', async () => 1);
    expect(() => guards.guard('twice', async () => 1, { timeoutMs: 1 })).toThrow(
      expect.objectContaining({
        reason: 'invalid_request',
        message: 'guard "twice" exists with another policy',
        hint: 'give both the same policy object, or another name',
      }),
    );
  });
});

describe('callbacks that throw', () => {
  test('are logged, and neither change the outcome nor go unhandled', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const error = vi.fn();
    const { guards } = testGuards({
      logger: { info() {}, warn() {}, error },
      onEvent: async () => {
        throw new Error('in onEvent');
      },
    });
    const own = new Error('own');
    const guarded = guards.guard('callbacks', () => Promise.reject(own), {
      retries: {
        attempts: 3,
        retryOn: () => {
          throw new Error('in retryOn');
        },
      },
      circuitBreaker: {
        isFailure: () => {
          throw new Error('in isFailure');
        },
      },
    });
    await expect(guarded()).rejects.toBe(own);
    vi.useRealTimers();
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(error.mock.calls.map(([message]) => message)).toEqual(['isFailure threw', 'retryOn threw', 'onEvent threw']);
  });

  test('may be the logger itself', async () => {
    const broken = () => {
      throw new Error('in the logger');
    };
    const { guards } = testGuards({ logger: { info: broken, warn: broken, error: broken }, onEvent: broken });
    expect(await guards.guard('logger', async () => 1)()).toBe(1);
  });
});
