import { FakeClock, seededRandom } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { ApiModel, failure } from '../../test/support/kubernetes/api-model.js';
import { KubernetesClient } from '../kubernetes/client/client.js';
import { openAuthority } from './open-authority.js';

const secret = { namespace: 'mesh', name: 'inmesh-ca' };

function beginning({ random = (): number => 0 } = {}) {
  const model = new ApiModel();
  model.isDown = true;
  const clock = new FakeClock(0);
  const lines: string[] = [];
  const log = (message: string) => lines.push(message);
  const logger = { info: log, warn: log, error: log };
  const kubernetes = new KubernetesClient({ transport: model, clock, random: () => 0 });
  const told: (string | undefined)[] = [];
  const ending = new AbortController();
  const patience = { random, signal: ending.signal, onWait: (problem: string | undefined) => told.push(problem) };
  const tools = { clock, now: () => clock.now(), logger, kubernetes };
  const authority = openAuthority({ secret }, tools, patience);
  return { model, clock, lines, told, ending, authority };
}

it('keys in a Secret are waited for while the API server is away, and are there as soon as it answers', async () => {
  const { model, clock, lines, told, authority } = beginning();
  await clock.advanceAsync(0);
  expect(told).toEqual([expect.stringMatching(/^the Secret mesh\/inmesh-ca cannot be used: GET /)]);
  // Half of 500 ms, of 1 s, of 2 s, up to half of 10 s.
  for (const pause of [250, 500, 1000, 2000, 4000, 5000, 5000]) {
    const before = told.length;
    await clock.advanceAsync(pause - 1);
    expect(told).toHaveLength(before);
    await clock.advanceAsync(1);
    expect(told).toHaveLength(before + 1);
  }
  expect(lines).toEqual(['nothing is served before the authority is there']);
  model.isDown = false;
  await clock.advanceAsync(5000);
  const opened = await authority;
  expect(opened.roots).toHaveLength(1);
  expect(told.at(-1)).toBeUndefined();
  opened.close();
});

it('servers that wait look again at different times', async () => {
  const timesOf = async (seed: number) => {
    const { clock, told, ending, authority } = beginning({ random: seededRandom(seed) });
    const times: number[] = [];
    for (let ms = 0; ms < 5000; ms += 1) {
      const before = told.length;
      await clock.advanceAsync(1);
      if (told.length > before) times.push(ms);
    }
    ending.abort();
    await expect(authority).rejects.toThrow('cannot be used');
    return times;
  };
  expect(await timesOf(1)).not.toEqual(await timesOf(2));
});

it('an end while it waits ends the waiting', async () => {
  const { clock, ending, authority } = beginning();
  await clock.advanceAsync(0);
  ending.abort();
  await expect(authority).rejects.toThrow('the Secret mesh/inmesh-ca cannot be used');
});

it('what will not pass by itself is not waited for', async () => {
  const { model, clock, told, authority } = beginning();
  model.isDown = false;
  model.intercept = () => failure(403, 'Forbidden', 'no');
  await expect(Promise.all([authority, clock.advanceAsync(10_000)])).rejects.toThrow('may not be used (get)');
  expect(told.filter((problem) => problem?.includes('may not be used'))).toEqual([]);
});
