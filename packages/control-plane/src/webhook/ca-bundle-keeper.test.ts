import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { KubernetesError, problemOfStatus } from '../kubernetes/client/problem.js';
import { CaBundleKeeper } from './ca-bundle-keeper.js';

interface Webhook {
  name: string;
  failurePolicy: string;
  clientConfig: { caBundle?: string };
}

function start({ isLeader = (): boolean => true } = {}) {
  const clock = new FakeClock();
  const webhooks: Webhook[] = [
    { name: 'a', failurePolicy: 'Ignore', clientConfig: {} },
    { name: 'b', failurePolicy: 'Fail', clientConfig: { caBundle: 'old' } },
  ];
  const state = { roots: ['root 1'], refusal: 0, gets: 0, patches: 0, webhooks, lines: [] as string[] };
  const refuse = () => {
    if (state.refusal > 0) throw new KubernetesError(problemOfStatus(state.refusal, { message: 'no' }, 'GET /x'));
  };
  const client = {
    get: async () => {
      state.gets += 1;
      refuse();
      return { metadata: { name: 'inmesh', resourceVersion: '7' }, webhooks: structuredClone(webhooks) };
    },
    patch: async (_type: unknown, name: unknown, patch: { kind: string; body: { path: string; value: string }[] }) => {
      refuse();
      expect([name, patch.kind, patch.body[0]]).toEqual([
        { name: 'inmesh' },
        'json',
        { op: 'test', path: '/metadata/resourceVersion', value: '7' },
      ]);
      state.patches += 1;
      for (const { path, value } of patch.body.slice(1)) {
        const [, index] = /^\/webhooks\/(\d)\/clientConfig\/caBundle$/.exec(path)!;
        webhooks[Number(index)]!.clientConfig.caBundle = value;
      }
      return {};
    },
  };
  let tell = () => {};
  const authority = {
    get roots() {
      return state.roots;
    },
    onChange: (listener: () => void) => {
      tell = listener;
      return () => {};
    },
  };
  const log = (message: string, fields?: { problem?: string }) => state.lines.push(fields?.problem ?? message);
  const keeper = new CaBundleKeeper({
    ...{ client: client as never, configuration: 'inmesh', authority, clock, isLeader },
    logger: { info: log, warn: log, error: log },
  });
  const bundles = () =>
    webhooks.map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? '', 'base64').toString());
  return { clock, state, keeper, bundles, webhooks, change: () => tell() };
}

it('writes the roots into every webhook, again when they change and when somebody has taken them away', async () => {
  const { clock, state, keeper, bundles, webhooks, change } = start();
  await expect.poll(() => bundles()).toEqual(['root 1', 'root 1']);
  expect(state.patches).toBe(1);
  state.roots = ['root 1', 'root 2'];
  change();
  await expect.poll(() => bundles()).toEqual(['root 1root 2', 'root 1root 2']);
  await expect.poll(() => clock.pendingTimers).toBe(1);
  delete webhooks[0]!.clientConfig.caBundle;
  clock.advance(10_000);
  await expect.poll(() => bundles()).toEqual(['root 1root 2', 'root 1root 2']);
  expect(webhooks.map(({ failurePolicy }) => failurePolicy)).toEqual(['Ignore', 'Fail']);
  await keeper.close();
  expect(clock.pendingTimers).toBe(0);
});

it('leaves it to the leader, and takes over from it', async () => {
  let leads = false;
  const { clock, state, keeper, bundles } = start({ isLeader: () => leads });
  await expect.poll(() => clock.pendingTimers).toBe(1);
  expect(state.gets).toBe(0);
  leads = true;
  clock.advance(10_000);
  await expect.poll(() => bundles()).toEqual(['root 1', 'root 1']);
  await keeper.close();
});

it('says once what is in its way, and goes on when it is gone', async () => {
  const { clock, state, keeper, bundles } = start();
  await expect.poll(() => clock.pendingTimers).toBe(1);
  state.refusal = 403;
  state.roots = ['root 2'];
  const refused = 'bind the service account to a ClusterRole with the rule ';
  for (const _ of [1, 2]) {
    clock.advance(10_000);
    await expect.poll(() => clock.pendingTimers).toBe(1);
  }
  expect(state.lines.filter((line) => line.startsWith(refused))).toEqual([
    `${refused}{"apiGroups":["admissionregistration.k8s.io"],"resources":["validatingwebhookconfigurations"],"resourceNames":["inmesh"],"verbs":["get","patch"]}`,
  ]);
  state.refusal = 0;
  clock.advance(10_000);
  await expect.poll(() => bundles()).toEqual(['root 2', 'root 2']);
  await keeper.close();
});
