import { checkRandomScenario } from 'inmesh/testing';
import { describe, expect, it } from 'vitest';

/** `npm run test:simulation` runs 10,000; `INMESH_SEED=42 npx vitest run test/simulation.test.ts` replays one. */
const count = Number(process.env.INMESH_SEEDS ?? 200);
const replayed = process.env.INMESH_SEED;
const seeds = replayed === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(replayed)];
const perTest = 100;

describe('a random mesh keeps its rules', () => {
  for (let from = 0; from < seeds.length; from += perTest) {
    const batch = seeds.slice(from, from + perTest);
    it(`with the seeds ${batch[0]} to ${batch.at(-1)}`, async () => {
      let calls = 0;
      for (const seed of batch) calls += (await checkRandomScenario(seed)).calls;
      expect(calls).toBeGreaterThan(batch.length);
    }, 120_000);
  }
});
