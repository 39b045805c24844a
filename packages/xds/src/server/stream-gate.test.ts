import { FakeClock, seededRandom } from '@inmesh/core/testing';
import { beforeEach, expect, it } from 'vitest';
import { StreamGate } from './stream-gate.js';

let clock: FakeClock;
let gate: StreamGate;
let begun: { who: number; atMs: number }[];

beforeEach(() => {
  clock = new FakeClock(5000);
  gate = new StreamGate({ perSecond: 100, clock });
  begun = [];
});

const enter = (who: number) => gate.enter(() => void begun.push({ who, atMs: clock.now() - 5000 }));

it('lets ten begin at once and then one each 10 ms, in the order they came', () => {
  expect(Array.from({ length: 12 }, (_, who) => enter(who))).toEqual([
    ...Array(10).fill('begun'),
    'waiting',
    'waiting',
  ]);
  clock.advance(9);
  expect(begun).toHaveLength(10);
  clock.advance(1000);
  expect(begun.slice(10)).toEqual([
    { who: 10, atMs: 10 },
    { who: 11, atMs: 20 },
  ]);
  expect(clock.pendingTimers).toBe(0);
});

it('begins at most 110 in any second, however they come', () => {
  const random = seededRandom(3);
  for (let who = 0; who < 3000; who += 1) {
    clock.advance(random() < 0.05 ? random() * 100 : 0);
    enter(who);
  }
  clock.advance(20_000);
  const times = begun.map(({ atMs }) => atMs);
  const perSecond = times.map((start) => times.filter((atMs) => atMs >= start && atMs < start + 1000).length);
  expect(times.length).toBeGreaterThan(1000);
  expect(Math.max(...perSecond)).toBeLessThanOrEqual(110);
  expect(Math.max(...perSecond)).toBeGreaterThan(100);
});

it('refuses whoever would wait for more than 10 s', () => {
  const outcomes = Array.from({ length: 1500 }, (_, who) => enter(who));
  expect(outcomes.indexOf('refused')).toBe(1010);
  clock.advance(10_000);
  expect(begun).toHaveLength(1010);
  expect(enter(1500)).toBe('waiting');
});

it('gives the place of those that leave to the next', () => {
  for (let who = 0; who < 10; who += 1) enter(who);
  const leaver = () => expect.unreachable('has left');
  expect(gate.enter(leaver)).toBe('waiting');
  enter(11);
  gate.leave(leaver);
  clock.advance(10);
  expect(begun.at(-1)).toEqual({ who: 11, atMs: 10 });
});

it('lets one begin at a time where fewer than ten a second may', () => {
  gate = new StreamGate({ perSecond: 2, clock });
  expect([enter(0), enter(1), enter(2)]).toEqual(['begun', 'waiting', 'waiting']);
  clock.advance(1000);
  expect(begun.map(({ atMs }) => atMs)).toEqual([0, 500, 1000]);
});

it('leaves nobody waiting and no timer behind when it is closed', () => {
  for (let who = 0; who < 20; who += 1) enter(who);
  gate.close();
  expect([begun.length, clock.pendingTimers]).toEqual([20, 0]);
});
