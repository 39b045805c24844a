import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { ChangeGate } from './change-gate.js';

function gateOf(clock: FakeClock) {
  const gate = new ChangeGate(clock, 1_000);
  const passed: [number, string][] = [];
  return { gate, passed, pass: (what: string) => gate.pass(() => passed.push([clock.now(), what])) };
}

describe('ChangeGate', () => {
  it('lets the first change through at once and the newest of the others at the end of the second', () => {
    const clock = new FakeClock();
    const { passed, pass } = gateOf(clock);
    pass('a');
    clock.advance(300);
    pass('b');
    clock.advance(300);
    pass('c');
    clock.advance(5_000);
    expect(passed).toEqual([
      [0, 'a'],
      [1_000, 'c'],
    ]);
    pass('d');
    expect(passed.at(-1)).toEqual([5_600, 'd']);
  });

  it('forgets a waiting change that is taken back, and keeps no timer', () => {
    const clock = new FakeClock();
    const { gate, passed, pass } = gateOf(clock);
    pass('a');
    pass('b');
    gate.cancel();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(5_000);
    expect(passed).toEqual([[0, 'a']]);
  });
});
