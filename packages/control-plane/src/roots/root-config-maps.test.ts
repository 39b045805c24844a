import { FakeClock } from '@inmesh/core/testing';
import { afterEach, expect, it } from 'vitest';
import { ApiModel, failure } from '../../test/support/kubernetes/api-model.js';
import { onePiece } from '../../test/support/kubernetes/byte-stream.js';
import { KubernetesClient } from '../kubernetes/client/client.js';
import type { KubernetesObject } from '../kubernetes/client/objects.js';
import { RootConfigMaps } from './root-config-maps.js';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const configMaps = '/api/v1/configmaps';

function start({ isLeader = (): boolean => true } = {}) {
  const clock = new FakeClock();
  const model = new ApiModel();
  const state = { roots: ['root 1'], refused: new Set<string>(), lines: [] as string[] };
  const written = new Map<string, string>();
  model.intercept = ({ method, path, body }) => {
    const [, namespace] = /^\/api\/v1\/namespaces\/(\w+)\/configmaps\/roots\?.*force=true/.exec(path) ?? [];
    if (method !== 'PATCH' || namespace === undefined) return undefined;
    if (state.refused.has(namespace)) return failure(403, 'Forbidden', 'no');
    const object = JSON.parse(String(body)) as KubernetesObject & { data: Record<string, string> };
    written.set(namespace, object.data['root-cert.pem']!);
    model.stored.set(configMaps, `${namespace}/roots`, object);
    return { status: 200, retryAfter: undefined, body: onePiece(String(body)) };
  };
  const put = (name: string, more: object = {}) => {
    model.stored.set('/api/v1/namespaces', name, { metadata: { name, ...more } });
  };
  let tell = () => {};
  const log = (_: string, fields?: object) => state.lines.push((fields as { problem: string }).problem);
  const random = () => 0;
  const begin = () => {
    const maps = new RootConfigMaps({
      client: new KubernetesClient({ transport: model, clock, random }),
      ...{ name: 'roots', clock, random, isLeader, logger: { info: log, warn: log, error: log } },
      authority: {
        get roots() {
          return state.roots;
        },
        onChange: (listener) => {
          tell = listener;
          return () => true;
        },
      },
    });
    open.push(maps);
    return maps;
  };
  return { clock, model, state, written, put, begin, change: () => tell() };
}

it('writes the roots into each namespace that workloads run in, and into new ones', async () => {
  const { put, written, begin } = start();
  put('shop');
  put('kube-system');
  put('leaving', { deletionTimestamp: '2026-01-01T00:00:00Z' });
  begin();
  await expect.poll(() => [...written]).toEqual([['shop', 'root 1']]);
  put('bank');
  await expect.poll(() => [...written.keys()]).toEqual(['shop', 'bank']);
});

it('writes them anew when they change, and in between where somebody may have changed them', async () => {
  const { clock, state, put, written, begin, change } = start();
  put('shop');
  begin();
  await expect.poll(() => written.get('shop')).toBe('root 1');
  state.roots = ['root 1', 'root 2'];
  change();
  await expect.poll(() => written.get('shop')).toBe('root 1root 2');
  written.clear();
  clock.advance(10 * 60_000 - 1);
  expect(written.size).toBe(0);
  clock.advance(10_001);
  await expect.poll(() => written.get('shop')).toBe('root 1root 2');
});

it('mends what somebody has changed or deleted at its next look, and does not write what is right', async () => {
  const { clock, model, put, written, begin } = start();
  put('shop');
  begin();
  await clock.advanceAsync(20_000);
  written.clear();
  const metadata = { namespace: 'shop', name: 'roots' };
  model.stored.set(configMaps, 'shop/roots', { metadata, ...{ data: { 'root-cert.pem': 'others' } } });
  await clock.advanceAsync(10_000);
  expect(written.get('shop')).toBe('root 1');
  written.clear();
  model.stored.delete(configMaps, 'shop/roots');
  await clock.advanceAsync(10_000);
  expect(written.get('shop')).toBe('root 1');
  written.clear();
  await clock.advanceAsync(60_000);
  expect(written.size).toBe(0);
});

it('tries again where it is refused, without holding up the others, and says once which rule is missing', async () => {
  const { clock, state, put, written, begin } = start();
  state.refused.add('bank');
  put('bank');
  put('shop');
  begin();
  await expect.poll(() => [...written.keys()]).toEqual(['shop']);
  await expect
    .poll(() => state.lines)
    .toEqual([
      'bank: bind the service account to a ClusterRole with the rule {"apiGroups":[""],"resources":["configmaps"],"resourceNames":["roots"],"verbs":["get","create","patch","list","watch"]}',
    ]);
  state.refused.clear();
  clock.advance(10_000);
  await expect.poll(() => [...written.keys()]).toEqual(['shop', 'bank']);
  expect(state.lines).toHaveLength(1);
});

it('leaves it to the leader, and writes all when it becomes one', async () => {
  let leads = false;
  const { clock, put, written, begin } = start({ isLeader: () => leads });
  put('shop');
  const maps = begin();
  await expect.poll(() => clock.pendingTimers).toBeGreaterThan(1);
  clock.advance(10_000);
  expect(written.size).toBe(0);
  leads = true;
  maps.all();
  await expect.poll(() => written.get('shop')).toBe('root 1');
});
