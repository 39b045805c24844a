import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { ReviewTurns } from './review-turns.js';

function start() {
  const clock = new FakeClock(0);
  const turns = new ReviewTurns(clock);
  const begun: [string, number][] = [];
  const review = (name: string, tookMs: number) =>
    turns.take(() => {
      begun.push([name, clock.now()]);
      clock.advance(tookMs);
      return name;
    });
  return { clock, turns, begun, review };
}

it('a long review is followed by a rest that is as long, and a short one by none', async () => {
  const { clock, begun, review } = start();
  const all = [review('long', 1000), review('short', 5), review('next', 30), review('last', 1)];
  await clock.advanceAsync(999);
  expect(begun).toEqual([['long', 0]]);
  await clock.advanceAsync(2000);
  expect(await Promise.all(all)).toEqual(['long', 'short', 'next', 'last']);
  expect(begun).toEqual([
    ['long', 0],
    ['short', 2000],
    ['next', 2005],
    ['last', 2065],
  ]);
});

it('one that fails does not keep the next waiting', async () => {
  const { turns, review } = start();
  await expect(turns.take(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(
    turns.take(() => {
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect(await review('next', 0)).toBe('next');
});
