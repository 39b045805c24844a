import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { StatusQueue } from './status-queue.js';

function start(fails: (key: string) => boolean) {
  const clock = new FakeClock(0);
  const tries: [string, number][] = [];
  const queue = new StatusQueue({
    ...{ clock, pauseMs: 50, retryMs: 1000 },
    write: async (key) => {
      tries.push([key, clock.now()]);
      return fails(key);
    },
  });
  const timesOf = (wanted: string) => tries.filter(([key]) => key === wanted).map(([, at]) => at);
  return { clock, queue, timesOf };
}

it('those that fail keep no other waiting', async () => {
  const { clock, queue, timesOf } = start((key) => key.startsWith('bad'));
  queue.add(Array.from({ length: 30 }, (_, at) => `bad${at}`));
  await clock.advanceAsync(10_000);
  queue.add(['good']);
  await clock.advanceAsync(50);
  expect(timesOf('good')).toHaveLength(1);
  await queue.close();
});

it('one that fails is tried after a longer pause each time, up to a minute, and not earlier for being asked for', async () => {
  const { clock, queue, timesOf } = start(() => true);
  queue.add(['a']);
  for (let ms = 0; ms < 190_000; ms += 500) {
    await clock.advanceAsync(500);
    queue.add(['a']);
  }
  const times = timesOf('a');
  const pauses = times.slice(1).map((at, index) => at - times[index]!);
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  await queue.close();
});

it('one that has worked begins anew, and nothing is left waiting', async () => {
  let isBroken = true;
  const { clock, queue, timesOf } = start(() => isBroken);
  queue.add(['a']);
  await clock.advanceAsync(2000);
  isBroken = false;
  await clock.advanceAsync(2000);
  isBroken = true;
  queue.add(['a']);
  await clock.advanceAsync(1000);
  expect(timesOf('a')).toEqual([0, 1000, 3000, 4000, 5000]);
  isBroken = false;
  await clock.advanceAsync(60_000);
  expect(clock.pendingTimers).toBe(0);
  await queue.close();
});
