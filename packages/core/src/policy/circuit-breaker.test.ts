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

  it('tells what is left of each kind, and never less than nothing', () => {
    const breaker = new CircuitBreaker({ ...thresholds, maxConnections: Number.POSITIVE_INFINITY });
    breaker.tryAcquireRequest();
    breaker.acquirePending();
    breaker.acquireRetry();
    breaker.acquireRetry();
    breaker.acquireRetry();
    expect(breaker.remaining('requests')).toBe(thresholds.maxRequests - 1);
    expect(breaker.remaining('pendingRequests')).toBe(thresholds.maxPendingRequests - 1);
    expect(breaker.remaining('retries')).toBe(0);
    expect(breaker.remaining('connections')).toBe(Number.POSITIVE_INFINITY);
  });

  it('counts what is held of each kind, for any order of acquiring, releasing and new thresholds', () => {
    const kind = fc.constantFrom('requests', 'pendingRequests', 'retries');
    const step = fc.record({ kind, action: fc.constantFrom('acquire', 'release', 'limit'), limit: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const breaker = new CircuitBreaker(thresholds);
        const held = { requests: 0, pendingRequests: 0, retries: 0 };
        for (const { kind, action, limit } of steps) {
          if (action === 'limit') breaker.thresholds = { ...thresholds, maxRequests: limit, maxRetries: limit };
          else if (action === 'acquire') held[kind] += acquire(breaker, kind) ? 1 : 0;
          else if (held[kind] > 0) {
            release(breaker, kind);
            held[kind] -= 1;
          }
          expect(breaker).toMatchObject(held);
          expect(breaker.remaining(kind)).toBeGreaterThanOrEqual(0);
        }
        for (const kind of ['requests', 'pendingRequests', 'retries'] as const)
          for (; held[kind] > 0; held[kind] -= 1) release(breaker, kind);
        expect(breaker).toMatchObject({ requests: 0, pendingRequests: 0, retries: 0 });
      }),
    );
  });
});

type Held = 'requests' | 'pendingRequests' | 'retries';

function acquire(breaker: CircuitBreaker, kind: Held): boolean {
  if (kind === 'requests') return breaker.tryAcquireRequest();
  if (kind === 'retries') return breaker.tryAcquireRetry();
  breaker.acquirePending();
  return true;
}

function release(breaker: CircuitBreaker, kind: Held): void {
  if (kind === 'requests') breaker.releaseRequest();
  else if (kind === 'retries') breaker.releaseRetry();
  else breaker.releasePending();
}
