import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.js';

const thresholds = { maxConnections: 9, maxPendingRequests: 2, maxRequests: 3, maxRetries: 1 };

const kinds = [
  ['requests', 'tryAcquireRequest', 'releaseRequest', 3],
  ['retries', 'tryAcquireRetry', 'releaseRetry', 1],
] as const;

describe('CircuitBreaker', () => {
  it.each(kinds)('lets %s in up to their threshold, and again after a release', (count, acquire, release, limit) => {
    const breaker = new CircuitBreaker(thresholds);
    for (let i = 0; i < limit; i += 1) expect(breaker[acquire]()).toBe(true);
    expect(breaker[acquire]()).toBe(false);
    expect(breaker[count]).toBe(limit);
    expect(breaker.overflows[count]).toBe(1);
    breaker[release]();
    expect(breaker[acquire]()).toBe(true);
  });

  it('counts each kind against its own threshold', () => {
    const breaker = new CircuitBreaker(thresholds);
    breaker.tryAcquireRetry();
    breaker.tryAcquireRetry();
    expect(breaker.overflows).toEqual({ requests: 0, pendingRequests: 0, retries: 1 });
    expect(breaker.tryAcquireRequest()).toBe(true);
  });

  it('counts pending requests without refusing any, since the transport asks first', () => {
    const breaker = new CircuitBreaker(thresholds);
    for (let i = 0; i < 3; i += 1) breaker.acquirePending();
    breaker.releasePending();
    expect(breaker.pendingRequests).toBe(2);
    expect(breaker.overflows.pendingRequests).toBe(0);
  });

  it('lets nothing in at a threshold of zero, and everything where there is none', () => {
    const closed = new CircuitBreaker({ ...thresholds, maxRequests: 0 });
    expect(closed.tryAcquireRequest()).toBe(false);
    const open = new CircuitBreaker({ ...thresholds, maxRequests: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 2000; i += 1) expect(open.tryAcquireRequest()).toBe(true);
  });

  it('takes new thresholds at once and keeps its counts', () => {
    const breaker = new CircuitBreaker(thresholds);
    for (let i = 0; i < 3; i += 1) breaker.tryAcquireRequest();
    breaker.thresholds = { ...thresholds, maxRequests: 4 };
    expect(breaker.tryAcquireRequest()).toBe(true);
    breaker.thresholds = { ...thresholds, maxRequests: 2 };
    breaker.releaseRequest();
    breaker.releaseRequest();
    expect(breaker.tryAcquireRequest()).toBe(false);
    breaker.releaseRequest();
    expect(breaker.tryAcquireRequest()).toBe(true);
  });

  it('counts what is held, for any order of acquiring and releasing', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 50 }), (steps) => {
        const breaker = new CircuitBreaker(thresholds);
        let held = 0;
        for (const acquire of steps) {
          if (acquire) held += breaker.tryAcquireRequest() ? 1 : 0;
          else if (held > 0) {
            breaker.releaseRequest();
            held -= 1;
          }
          expect(breaker.requests).toBe(held);
          expect(held).toBeLessThanOrEqual(3);
        }
      }),
    );
  });
});
