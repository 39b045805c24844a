import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { keep } from '../../../../../test/support/keep.js';
import { ApiModel } from '../../../test/support/kubernetes/api-model.js';
import { initialState } from '../../config-state.js';
import { KubernetesClient } from '../../kubernetes/client/client.js';
import { SourceSet } from '../source-set.js';
import { KubernetesSource } from './kubernetes-source.js';
import { watchedKinds } from './watched-kinds.js';

it('an outage is told once for all kinds, and not once more for each of them', async () => {
  const model = new ApiModel();
  model.isDown = true;
  const clock = new FakeClock(0);
  const said: (readonly string[])[] = [];
  const sources = new SourceSet({ setFiles: () => initialState, setSourceErrors: (errors) => void said.push(errors) });
  const client = new KubernetesClient({ transport: model, clock, random: () => 0 });
  const logger = { info() {}, warn() {}, error() {} };
  const source = keep(
    new KubernetesSource({}, { client, namespace: 'mesh', clock, random: Math.random, logger }, sources),
  );
  await clock.advanceAsync(20_000);
  await source.firstLook;
  expect(said.length).toBeLessThanOrEqual(2);
  expect(said.at(-1)!.length).toBeGreaterThanOrEqual(watchedKinds.length);
  model.isDown = false;
  void source.close();
  await clock.advanceAsync(5000);
});
