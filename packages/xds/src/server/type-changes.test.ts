import { expect, it } from 'vitest';
import { serviceSet } from '../../test/fixtures.js';
import { SnapshotCache } from './snapshot-cache.js';
import { changedNames } from './type-changes.js';
import type { VersionedType } from './versioned-snapshot.js';

function endpointsOf(services: Record<string, string[]>): VersionedType {
  const cache = new SnapshotCache();
  cache.setSnapshot(serviceSet(services));
  return cache.current!.endpoint;
}

const from = endpointsOf({ same: ['10.0.0.1'], other: ['10.0.0.2'], gone: ['10.0.0.3'] });
const to = endpointsOf({ same: ['10.0.0.1'], other: ['10.0.0.9'], added: ['10.0.0.4'] });

it('names what is new, different or gone', () => {
  expect(changedNames(from, to)).toEqual(['other', 'added', 'gone']);
  expect(changedNames(to, to)).toEqual([]);
});

it('works a step out once, however many streams take it', () => {
  expect(changedNames(from, to)).toBe(changedNames(from, to));
  expect(changedNames(to, from)).not.toBe(changedNames(from, to));
});
