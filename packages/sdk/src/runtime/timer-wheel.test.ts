import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimerWheel } from './timer-wheel.js';

describe('the timer wheel', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const wheel = () => new TimerWheel(() => performance.now(), true);

  it('fires each timer once, never early, at most a slot late', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 50 }), (delays) => {
        const timers = wheel();
        const began = performance.now();
        const fired: [number, number][] = [];
        for (const delay of delays) timers.set(delay, () => fired.push([delay, performance.now() - began]));
        vi.advanceTimersByTime(20_010);
        expect(fired).toHaveLength(delays.length);
        for (const [delay, at] of fired) {
          expect(at).toBeGreaterThanOrEqual(delay);
          expect(at).toBeLessThanOrEqual(delay + 8);
        }
        expect(timers.pending).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('does not fire what was cancelled, and a second cancel does nothing', () => {
    const timers = wheel();
    const fired: string[] = [];
    const kept = timers.set(50, () => fired.push('kept'));
    const dropped = timers.set(50, () => fired.push('dropped'));
    dropped.cancel();
    dropped.cancel();
    vi.advanceTimersByTime(60);
    expect(fired).toEqual(['kept']);
    kept.cancel();
    expect(timers.pending).toBe(0);
  });

  it('lets a timer that fires cancel or set others of the same turn', () => {
    const timers = wheel();
    const fired: string[] = [];
    const second = { cancel() {} };
    timers.set(10, () => {
      fired.push('first');
      second.cancel();
      timers.set(0, () => fired.push('third'));
    });
    second.cancel = (
      (timer) => () =>
        timer.cancel()
    )(timers.set(10, () => fired.push('second')));
    vi.advanceTimersByTime(30);
    expect(fired).toEqual(['first', 'third']);
  });

  it('keeps timers beyond 2^31-1 ms waiting instead of firing them at once (e9)', () => {
    const timers = wheel();
    let fired = false;
    const timer = timers.set(2 ** 40, () => {
      fired = true;
    });
    vi.advanceTimersByTime(60_000);
    expect(fired).toBe(false);
    timer.cancel();
  });

  it('rests while nothing is set', () => {
    const timers = wheel();
    timers.set(10, () => {}).cancel();
    vi.advanceTimersByTime(10_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
