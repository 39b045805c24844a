import type { ClientTraits, ClientView } from '@inmesh/config';
import { type VersionedSnapshot, versionSnapshot } from '@inmesh/xds/server';
import { describe, expect, it } from 'vitest';
import { LastViews } from './last-views.js';

function traitsOf(namespace: boolean, ...labels: string[]): ClientTraits {
  return { namespace, labels: new Set(labels), locality: false, nodeName: false };
}

function view(): VersionedSnapshot {
  const none = new Map();
  return versionSnapshot(
    { listeners: none, routes: none, clusters: none, assignments: none, secrets: none },
    undefined,
  );
}

const client = (namespace: string, labels: Record<string, string> = {}): ClientView => ({ namespace, labels });

describe('The last views', () => {
  it('are for all whom their own configuration did not tell apart, and the newest counts', () => {
    const last = new LastViews(10);
    const [forAll, forWeb] = [view(), view()];
    last.keep(client('default'), traitsOf(false), forAll);
    expect(last.find(client('web'))).toBe(forAll);
    last.keep(client('web', { app: 'a' }), traitsOf(true, 'app'), forWeb);
    expect(last.find(client('web', { app: 'a', version: 'v1' }))).toBe(forWeb);
    expect([last.find(client('web')), last.find(client('other', { app: 'a' }))]).toEqual([forAll, forAll]);
    const newer = view();
    last.keep(client('default'), traitsOf(false), newer);
    expect(last.find(client('web', { app: 'a' }))).toBe(newer);
  });

  it('are none for a client of a kind that never had one', () => {
    const last = new LastViews(10);
    last.keep(client('default'), traitsOf(true), view());
    expect(last.find(client('web'))).toBeUndefined();
    expect(last.find({ ...client('default'), kind: 'envoy' })).toBeUndefined();
  });

  it('are so many at most: the oldest go', () => {
    const last = new LastViews(2);
    for (const namespace of ['a', 'b', 'c']) last.keep(client(namespace), traitsOf(true), view());
    expect(['a', 'b', 'c'].map((namespace) => last.find(client(namespace)) !== undefined)).toEqual([false, true, true]);
    last.keep(client('b'), traitsOf(true, 'app'), view());
    last.keep(client('c'), traitsOf(true, 'app'), view());
    expect(['a', 'b', 'c'].map((namespace) => last.find(client(namespace)) !== undefined)).toEqual([false, true, true]);
  });
});
