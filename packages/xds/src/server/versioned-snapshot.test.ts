import { expect, it } from 'vitest';
import { assignmentMessage, clusterMessage, resourceSet, serviceSet } from '../../test/fixtures.js';
import { versionSnapshot } from './versioned-snapshot.js';

it('shares what is equal with the snapshot before, resource by resource and type by type', () => {
  const before = versionSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] }), undefined);
  const after = versionSnapshot(serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.3'] }), before);
  expect(after.cluster).toBe(before.cluster);
  expect(after.endpoint.resources.get('a')).toBe(before.endpoint.resources.get('a'));
  expect(after.endpoint.resources.get('b')).not.toBe(before.endpoint.resources.get('b'));
});

it('serializes a message once, however many snapshots have it', () => {
  const assignments = [assignmentMessage('a', '10.0.0.1')];
  const one = versionSnapshot(resourceSet({ assignments, clusters: [clusterMessage('a')] }), undefined);
  const other = versionSnapshot(resourceSet({ assignments, clusters: [clusterMessage('b')] }), undefined);
  expect(other.endpoint.resources.get('a')).toBe(one.endpoint.resources.get('a'));
});

it('versions equal content alike, with nothing before and from one process to the next', () => {
  const set = () => serviceSet({ a: ['10.0.0.1'] });
  expect(versionSnapshot(set(), undefined).endpoint.version).toBe(versionSnapshot(set(), undefined).endpoint.version);
});

it('refuses a resource under a key that is not its name, also when it was right in another set', () => {
  const cluster = clusterMessage('a');
  versionSnapshot(resourceSet({ clusters: [cluster] }), undefined);
  const wrong = { ...resourceSet({}), clusters: new Map([['b', cluster]]) };
  expect(() => versionSnapshot(wrong, undefined)).toThrow('the cluster under the key "b" is called "a"');
});

it('does not look into a map that was versioned before', () => {
  const set = serviceSet({ a: ['10.0.0.1'] });
  const before = versionSnapshot(set, undefined);
  const clusters = new Map(set.clusters);
  const same = versionSnapshot({ ...set, clusters }, before);
  clusters.entries = () => expect.unreachable();
  clusters[Symbol.iterator] = () => expect.unreachable();
  expect(versionSnapshot({ ...set, clusters }, same).cluster).toBe(before.cluster);
});
