import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/index.js';
import { ConcurrentRetryBudget, type RetryBudget, WindowRetryBudget } from './retry-budget.js';

/** How many retries are given leave before the first refusal. */
function drain(budget: RetryBudget, active = 1): number {
  let granted = 0;
  while (granted < 100_000 && budget.tryAcquire(active)) granted += 1;
  return granted;
}

describe('ConcurrentRetryBudget', () => {
  it('allows a share of the active requests, and never less than the minimum', () => {
    expect(drain(new ConcurrentRetryBudget({ percent: 20, minConcurrency: 3 }), 5)).toBe(3);
    expect(drain(new ConcurrentRetryBudget({ percent: 20, minConcurrency: 3 }), 100)).toBe(20);
    expect(drain(new ConcurrentRetryBudget({ percent: 0, minConcurrency: 0 }), 100)).toBe(0);
  });

  it('gives a place back when a retry ends', () => {
    const budget = new ConcurrentRetryBudget({ percent: 20, minConcurrency: 1 });
    expect(drain(budget)).toBe(1);
    budget.release();
    expect(drain(budget)).toBe(1);
  });

  it('follows the active requests of the moment', () => {
    const budget = new ConcurrentRetryBudget({ percent: 10, minConcurrency: 0 });
    expect(drain(budget, 50)).toBe(5);
    expect(drain(budget, 100)).toBe(5);
    expect(budget.tryAcquire(50)).toBe(false);
  });

  it('rounds the share down, without losing one to binary fractions', () => {
    // 0.29 * 100 is 28.999999999999996.
    expect(drain(new ConcurrentRetryBudget({ percent: 29, minConcurrency: 0 }), 100)).toBe(29);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.nat(500), (percent, active) => {
        const whole = Number((BigInt(percent) * BigInt(active)) / 100n);
        expect(drain(new ConcurrentRetryBudget({ percent, minConcurrency: 0 }), active)).toBe(whole);
      }),
    );
  });
});

describe('WindowRetryBudget', () => {
  const settings = { percent: 20, intervalMs: 10_000, minRetriesPerSecond: 1 };

  function budgetAfter(requests: number, clock = new FakeClock()) {
    const budget = new WindowRetryBudget(clock, settings);
    for (let i = 0; i < requests; i += 1) budget.recordRequest();
    return { budget, clock };
  }

  it('allows a share of the requests, and a few where there are few', () => {
    expect(drain(budgetAfter(0).budget)).toBe(10);
    expect(drain(budgetAfter(54).budget)).toBe(10);
    expect(drain(budgetAfter(55).budget)).toBe(11);
    expect(drain(budgetAfter(100).budget)).toBe(20);
    expect(drain(budgetAfter(10_000).budget)).toBe(2000);
  });

  it('has a default of 20 % of ten seconds, and one a second', () => {
    expect(drain(new WindowRetryBudget(new FakeClock()))).toBe(10);
    const busy = new WindowRetryBudget(new FakeClock());
    for (let i = 0; i < 200; i += 1) busy.recordRequest();
    expect(drain(busy)).toBe(40);
  });

  it('gives nothing back when a retry ends', () => {
    const { budget } = budgetAfter(0);
    drain(budget);
    budget.release();
    expect(budget.tryAcquire()).toBe(false);
  });

  it('forgets requests and retries once the window has passed over them', () => {
    const { budget, clock } = budgetAfter(100);
    expect(drain(budget)).toBe(20);
    clock.advance(9_999);
    expect(drain(budget)).toBe(0);
    clock.advance(1);
    expect(drain(budget)).toBe(10);
  });

  it('forgets each stretch of the window in its turn', () => {
    const { budget, clock } = budgetAfter(50);
    clock.advance(5_000);
    for (let i = 0; i < 60; i += 1) budget.recordRequest();
    clock.advance(5_000);
    expect(drain(budget)).toBe(12);
    clock.advance(10_000);
    expect(drain(budget)).toBe(10);
  });

  it('counts a call that began before the last look in the stretch of that look', () => {
    const clock = new FakeClock(5000);
    const budget = new WindowRetryBudget(clock, { percent: 100, intervalMs: 1000, minRetriesPerSecond: 0 });
    clock.advance(900);
    expect(budget.tryAcquire()).toBe(false);
    budget.recordRequest(5100);
    budget.recordRequest(0);
    clock.advance(900);
    expect([1, 2, 3].map(() => budget.tryAcquire())).toEqual([true, true, false]);
    clock.advance(1000);
    expect(budget.tryAcquire()).toBe(false);
  });

  it('forgets everything after a long silence', () => {
    const { budget, clock } = budgetAfter(1000);
    drain(budget);
    clock.advance(1_000_000_007);
    expect(drain(budget)).toBe(10);
  });

  it('does not depend on where the zero of the clock lies', () => {
    for (const zero of [-123_456.5, 0, 987_654_321.25]) {
      const { budget, clock } = budgetAfter(100, new FakeClock(zero));
      expect(drain(budget)).toBe(20);
      clock.advance(10_000);
      expect(drain(budget)).toBe(10);
    }
  });

  it('gives no leave beyond the share of the window, however traffic comes', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 3_000 }), requests: fc.nat(20), retries: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new FakeClock();
        const budget = new WindowRetryBudget(clock, settings);
        const requests: number[] = [];
        const retries: number[] = [];
        for (const { wait, requests: sent, retries: wanted } of steps) {
          clock.advance(wait);
          for (let i = 0; i < sent; i += 1) {
            budget.recordRequest();
            requests.push(clock.now());
          }
          for (let i = 0; i < wanted && budget.tryAcquire(); i += 1) {
            retries.push(clock.now());
            // The window moves by a tenth of itself: what counts is between nine tenths of it and the whole.
            const since = (times: number[], ms: number) => times.filter((time) => time > clock.now() - ms).length;
            expect(since(retries, 9_000)).toBeLessThanOrEqual(Math.max(10, 0.2 * since(requests, 10_000)));
          }
        }
      }),
    );
  });
});
