import { expect, it, vi } from 'vitest';
import { clusterMessage, serviceSet } from '../../test/fixtures.js';
import { SnapshotCache } from './snapshot-cache.js';

const set = serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] });

it('tells its watchers which types changed, and nothing when none did', () => {
  const cache = new SnapshotCache();
  const watcher = vi.fn();
  const unwatch = cache.watch(watcher);
  cache.setSnapshot(set);
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] }));
  cache.setSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.3'] }));
  unwatch();
  cache.setSnapshot(set);
  expect(watcher.mock.calls).toEqual([
    [new Set(['cluster', 'endpoint', 'listener', 'route', 'secret'])],
    [new Set(['endpoint'])],
  ]);
});

it('keeps what is serialized of resources that did not change', () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(set);
  const before = cache.current!.cluster.resources;
  cache.setSnapshot({
    ...set,
    clusters: new Map([
      ['a', clusterMessage('a')],
      ['b', clusterMessage('b', { altStatName: 'x' })],
    ]),
  });
  const after = cache.current!.cluster.resources;
  expect(after.get('a')?.any).toBe(before.get('a')?.any);
  expect(after.get('b')?.any).not.toBe(before.get('b')?.any);
});

it('keeps the snapshot before when a set is inconsistent', () => {
  const cache = new SnapshotCache();
  cache.setSnapshot(set);
  const before = cache.current;
  expect(() => cache.setSnapshot({ ...set, clusters: new Map([['x', clusterMessage('y')]]) })).toThrow();
  expect(cache.current).toBe(before);
});
