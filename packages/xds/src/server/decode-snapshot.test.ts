import { expect, it } from 'vitest';
import { clusterMessage, resourceSet, serviceSet } from '../../test/fixtures.js';
import { decodeSnapshot } from './decode-snapshot.js';
import { versionSnapshot } from './versioned-snapshot.js';

it('reads again only what has changed', () => {
  const before = versionSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] }), undefined);
  const after = versionSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.3'] }), before);
  const [first, second] = [decodeSnapshot(before).resources, decodeSnapshot(after).resources];
  expect(second.assignments.get('a')).toBe(first.assignments.get('a'));
  expect(second.clusters.get('b')).toBe(first.clusters.get('b'));
  expect(second.assignments.get('b')).not.toEqual(first.assignments.get('b'));
});

it('says each time what is wrong, also with what has not changed', () => {
  const bad = clusterMessage('bad', { connectTimeout: { seconds: -1n, nanos: 0 } });
  const before = versionSnapshot(resourceSet({ clusters: [bad] }), undefined);
  const after = versionSnapshot(resourceSet({ clusters: [bad, clusterMessage('good')] }), before);
  const [first, second] = [decodeSnapshot(before), decodeSnapshot(after)];
  expect(first.errors).toMatchObject([{ name: 'bad', errors: [{ path: 'connect_timeout' }] }]);
  expect(second.errors).toEqual(first.errors);
  expect([...second.resources.clusters.keys()]).toEqual(['good']);
});

it('does not look at a type of which nothing has changed', () => {
  const before = versionSnapshot(serviceSet({ a: ['10.0.0.1'] }), undefined);
  const after = versionSnapshot(serviceSet({ a: ['10.0.0.3'] }), before);
  const [first, second] = [decodeSnapshot(before).resources, decodeSnapshot(after).resources];
  expect(second.clusters).toBe(first.clusters);
  expect(second.assignments).not.toBe(first.assignments);
});
