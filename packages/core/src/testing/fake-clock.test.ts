import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.js';

describe('FakeClock', () => {
  it('stands still until it is advanced', () => {
    const clock = new FakeClock(100);
    expect(clock.now()).toBe(100);
    clock.advance(2.5);
    expect(clock.now()).toBe(102.5);
  });

  it('fires timers in order of time, ties in order of setting, each at its own time', () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    for (const [name, delay] of [
      ['c', 20],
      ['a', 10],
      ['b', 10],
      ['d', 30],
    ] as const) {
      clock.setTimer(delay, () => fired.push(`${name}@${clock.now()}`));
    }
    clock.advance(20);
    expect(fired).toEqual(['a@10', 'b@10', 'c@20']);
    expect(clock.now()).toBe(20);
    expect(clock.pendingTimers).toBe(1);
  });

  it('does not fire a timer before its time, and fires it once', () => {
    const clock = new FakeClock();
    let fired = 0;
    clock.setTimer(10, () => {
      fired += 1;
    });
    clock.advance(9.9);
    expect(fired).toBe(0);
    clock.advance(0.1);
    clock.advance(100);
    expect(fired).toBe(1);
  });

  it('does not fire what was cancelled, however often', () => {
    const clock = new FakeClock();
    const timer = clock.setTimer(10, () => expect.unreachable());
    timer.cancel();
    timer.cancel();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(10);
  });

  it('fires a timer without delay on the next turn, not at once', () => {
    const clock = new FakeClock();
    let fired = false;
    clock.setTimer(-5, () => {
      fired = true;
    });
    expect(fired).toBe(false);
    clock.advance(0);
    expect(fired).toBe(true);
  });

  it('fires timers that are set while it advances', () => {
    const clock = new FakeClock();
    const fired: number[] = [];
    const again = () => {
      fired.push(clock.now());
      clock.setTimer(10, again);
    };
    clock.setTimer(10, again);
    clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
  });

  it('refuses to advance for ever', () => {
    const clock = new FakeClock();
    const again = () => void clock.setTimer(0, again);
    clock.setTimer(0, again);
    expect(() => clock.advance(1)).toThrow('sets itself again');
  });

  it('lets promises settle between timers when advanced asynchronously', async () => {
    const clock = new FakeClock();
    const sleep = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(ms, resolve));
    const seen: number[] = [];
    const loop = async () => {
      for (let i = 0; i < 3; i += 1) {
        await sleep(10);
        seen.push(clock.now());
      }
    };
    const done = loop();
    await clock.advanceAsync(25);
    expect(seen).toEqual([10, 20]);
    await clock.advanceAsync(5);
    await done;
    expect(seen).toEqual([10, 20, 30]);
  });
});
