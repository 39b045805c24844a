import type { Clock } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { Debounce } from './debounce.js';

function start(tookMs = 0) {
  const clock = new FakeClock();
  const acts: number[] = [];
  let spentMs = 0;
  const now = () => clock.now() + spentMs;
  const act = () => {
    acts.push(now());
    spentMs += tookMs;
  };
  const running: Clock = { now, setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire) };
  const debounce = new Debounce({ clock: running, quietMs: 100, longestMs: 500, act });
  const askEach = (everyMs: number, times: number) => {
    for (let time = 0; time < times; time += 1) {
      debounce.ask();
      clock.advance(everyMs);
    }
  };
  return { clock, acts, debounce, askEach };
}

describe('A debounce', () => {
  it('acts when it was quiet for long enough', () => {
    const { clock, acts, debounce } = start();
    debounce.ask();
    clock.advance(60);
    debounce.ask();
    clock.advance(99);
    expect(acts).toEqual([]);
    clock.advance(1);
    expect(acts).toEqual([160]);
    clock.advance(10_000);
    expect(acts).toEqual([160]);
  });

  it('acts when it was asked without a pause for the longest time', () => {
    const { acts, askEach } = start();
    askEach(50, 30);
    expect(acts).toEqual([500, 1000, 1500]);
  });

  it('rests for as long as its act has taken', () => {
    const { clock, acts, debounce } = start(300);
    debounce.ask();
    clock.advance(100);
    expect(acts).toEqual([100]);
    debounce.ask();
    clock.advance(299);
    expect(acts).toEqual([100]);
    clock.advance(1);
    expect(acts).toEqual([100, 700]);
  });

  it('acts no more when it is closed', () => {
    const { clock, acts, debounce } = start();
    debounce.ask();
    debounce.close();
    debounce.ask();
    clock.advance(1000);
    expect(acts).toEqual([]);
  });
});
