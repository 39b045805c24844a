import { describe, expect, it } from 'vitest';
import { ClusterFiles } from './cluster-files.js';
import type { ClusterObject } from './cluster-object.js';

const metadata = { name: 'reviews', namespace: 'shop', uid: '1' };

function rule(host: string, more: Partial<ClusterObject['metadata']> = {}, status: unknown = {}): ClusterObject {
  const apiVersion = 'networking.istio.io/v1';
  return { apiVersion, kind: 'DestinationRule', metadata: { ...metadata, ...more }, spec: { host }, status };
}

const changed = (...objects: ClusterObject[]) => ({ changed: objects, removed: [] });

describe('The files of a cluster', () => {
  it('are the same for as long as nothing has changed but versions and status', () => {
    const files = new ClusterFiles();
    expect(files.apply(changed(rule('a', { resourceVersion: '1', generation: 1 })))).toBe(true);
    const [file] = files.list();
    expect(file).toMatchObject({ path: 'DestinationRule/shop/reviews', object: { spec: { host: 'a' } } });
    const noted = rule('a', { resourceVersion: '2', generation: 2 }, { conditions: [] });
    expect(files.apply(changed(noted))).toBe(false);
    expect(files.list()[0]).toBe(file);
    expect(files.objectAt('DestinationRule/shop/reviews')).toBe(noted);
    expect(files.apply(changed(rule('b', { resourceVersion: '3' })))).toBe(true);
    expect(files.list()[0]).not.toBe(file);
    expect(files.list()[0]?.text).not.toBe(file?.text);
  });

  it('are gone with their objects', () => {
    const files = new ClusterFiles();
    files.apply(changed(rule('a')));
    expect(files.apply({ changed: [], removed: [rule('a')] })).toBe(true);
    expect(files.apply({ changed: [], removed: [rule('a')] })).toBe(false);
    expect(files.list()).toEqual([]);
    expect(files.objectAt('DestinationRule/shop/reviews')).toBeUndefined();
  });

  it('of Pods differ with their addresses, which are in their status', () => {
    const files = new ClusterFiles();
    const pod = (podIP: string): ClusterObject => ({ apiVersion: 'v1', kind: 'Pod', metadata, status: { podIP } });
    files.apply(changed(pod('10.0.0.1')));
    expect(files.apply(changed(pod('10.0.0.2')))).toBe(true);
  });
});
