import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.js';
import { IdleWatch } from './idle-watch.js';

describe('an idle watch', () => {
  it('calls back once, so long after the last movement and at no other time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 30 }), (gaps) => {
        const clock = new FakeClock();
        const idleAt: number[] = [];
        const watch = new IdleWatch(clock, 100, () => idleAt.push(clock.now()));
        for (const gap of gaps) {
          clock.advance(gap);
          watch.touch();
        }
        clock.advance(1000);
        expect(idleAt).toEqual([gaps.reduce((sum, gap) => sum + gap, 0) + 100]);
        expect(clock.pendingTimers).toBe(0);
      }),
    );
  });

  it('keeps one timer however often something moves', () => {
    const clock = new FakeClock();
    const watch = new IdleWatch(clock, 100, () => {});
    for (let i = 0; i < 1000; i += 1) watch.touch();
    expect(clock.pendingTimers).toBe(1);
    watch.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
