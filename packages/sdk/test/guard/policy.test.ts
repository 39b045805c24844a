import { describe, expect, test } from 'vitest';
import type { GuardPolicy } from '../../src/guard/guard-policy.js';
import { guardDefaults, resolvePolicy } from '../../src/guard/resolve-policy.js';

describe('resolvePolicy', () => {
  test('fills in defaults at every level, and takes undefined for not given', () => {
    const given = { timeoutMs: undefined, retries: { attempts: 2, backoff: { maxMs: 40 } }, maxConcurrent: 3 };
    const { retries, ...others } = resolvePolicy('x', given as unknown as GuardPolicy);
    expect(others).toEqual({
      timeoutMs: 15_000,
      maxConcurrent: 3,
      maxPending: 1024,
      circuitBreaker: guardDefaults.circuitBreaker,
      rateLimit: undefined,
    });
    expect(retries).toEqual({
      attempts: 2,
      perTryTimeoutMs: 0,
      backoff: { baseMs: 25, maxMs: 40 },
      retryOn: guardDefaults.retries.retryOn,
    });
  });

  test('freezes what it returns, defaults included', () => {
    const policy = resolvePolicy('x', { retries: { attempts: 1 }, rateLimit: { requests: 1, perMs: 1 } });
    const parts = [
      policy,
      policy.retries,
      policy.retries?.backoff,
      policy.circuitBreaker,
      policy.rateLimit,
      guardDefaults,
    ];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
  });

  test('names every field that is wrong in one error', () => {
    const wrong = {
      timeoutMs: -1,
      retrys: { attempts: 1 },
      retries: { backoff: { baseMs: 'soon' }, perTryTimeoutMs: Number.NaN },
      circuitBreaker: { errorThresholdPercentage: 0, openMs: 2 ** 31, isFailure: true },
      maxConcurrent: 1.5,
      rateLimit: 5,
    };
    expect(() => resolvePolicy('orders', wrong as unknown as GuardPolicy)).toThrow(
      expect.objectContaining({
        reason: 'invalid_request',
        message:
          'guard "orders": ' +
          'retrys: there is no such field; known: timeoutMs, retries, circuitBreaker, maxConcurrent, maxPending, rateLimit; ' +
          'timeoutMs: -1 is not a number of ms from 0 to 2147483647; ' +
          'retries.attempts: is missing; ' +
          'retries.perTryTimeoutMs: NaN is not a number of ms from 0 to 2147483647; ' +
          'retries.backoff.baseMs: "soon" is not a number of ms from 0 to 2147483647; ' +
          'circuitBreaker.errorThresholdPercentage: 0 is not a percentage above 0, up to 100; ' +
          'circuitBreaker.openMs: 2147483648 is not a number of ms from 1 to 2147483647; ' +
          'circuitBreaker.isFailure: true is not a function; ' +
          'maxConcurrent: 1.5 is not a whole number from 1 to 9007199254740991; ' +
          'rateLimit: 5 is not an object',
      }),
    );
  });

  test('refuses a policy that is no object, and a limit of waiting where nothing waits', () => {
    expect(() => resolvePolicy('x', 3 as unknown as GuardPolicy)).toThrow('policy: 3 is not an object');
    expect(() => resolvePolicy('x', { maxPending: 3 })).toThrow('maxPending: has no meaning without maxConcurrent');
  });
});
