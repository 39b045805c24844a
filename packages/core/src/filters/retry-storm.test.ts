import { describe, expect, it } from 'vitest';
import { FakeClock, seededRandom } from '../testing/index.js';
import { TierChain } from '../testing/tier-chain.js';

/** Requests at an even rate, and what came of them. */
async function run(ratePerSecond: number, leafFailures: number, { seconds = 60, markers = true } = {}) {
  const clock = new FakeClock();
  const chain = new TierChain({ clock, random: seededRandom(7), leafFailures, markers });
  const statuses: Promise<number>[] = [];
  const stepMs = Math.max(1, 1000 / ratePerSecond);
  for (let ms = 0; ms < seconds * 1000; ms += stepMs) {
    const perStep = (ratePerSecond * stepMs) / 1000;
    for (let i = 0; i < perStep; i += 1) statuses.push(chain.request());
    await clock.advanceAsync(stepMs);
  }
  await clock.advanceAsync(5000);
  const answers = await Promise.all(statuses);
  const offered = answers.length;
  return {
    offered,
    load: chain.leafRequests / offered,
    success: answers.filter((status) => status === 200).length / offered,
  };
}

// Tens of thousands of calls through three whole walks: seconds on a busy machine.
describe('three tiers that all retry', { timeout: 60_000 }, () => {
  it.each([20, 1000])('load a leaf that always fails 1.2 times at most, at %i requests a second', async (rate) => {
    const { offered, load } = await run(rate, 1);
    expect(offered).toBe(rate * 60);
    expect(load).toBeLessThanOrEqual(1.2);
    expect(load).toBeGreaterThan(1.1);
  });

  it.each([
    [20, 600],
    [1000, 60],
  ])('answer 998 of 1000 where a tenth fails by chance, at %i requests a second', async (rate, seconds) => {
    const { success, load } = await run(rate, 0.1, { seconds });
    expect(success).toBeGreaterThanOrEqual(0.998);
    expect(load).toBeLessThan(1.2);
  });

  it('would load it much more without telling each other', async () => {
    expect((await run(20, 1, { markers: false })).load).toBeGreaterThan(1.7);
  });
});
