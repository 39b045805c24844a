import type { MeshResources } from '@inmesh/core';
import { testCluster, testEndpoint, testForward, testRoute, testRouteConfiguration } from '@inmesh/core/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assemble, isSameConfiguration } from './assemble.js';
import { Configurations } from './configurations.js';
import { createResourceStore, type KindStore, type ReadResource, type ResourceStore } from './resource-store.js';

const name = fc.constantFrom('a', 'b', 'c');

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('endpoint' as const), name, last: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cluster' as const), name, to: name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('route' as const), name, to: name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('listener' as const), name, to: name }) },
  fc.record({
    kind: fc.constantFrom('refuse' as const, 'remove' as const, 'lose' as const, 'forget' as const),
    of: fc.constantFrom('endpoint' as const, 'cluster' as const, 'route' as const, 'listener' as const),
    name,
  }),
  { weight: 6, arbitrary: fc.constant({ kind: 'turn' as const }) },
);

type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

let versions = 0;

function put<Value>(store: KindStore<Value>, name: string, value: Value): void {
  versions += 1;
  store.put({ name, outcome: { ok: true, value, digest: `${versions}`, version: '' } });
}

function perform(one: Exclude<Action, { kind: 'turn' }>, store: ResourceStore): void {
  switch (one.kind) {
    case 'endpoint': {
      const endpoints = [testEndpoint({ host: `10.0.0.${one.last}` })];
      const locality = { region: '', zone: '', subZone: '', priority: 0, weight: 1, endpoints };
      put(store.endpoint, one.name, { clusterName: one.name, localities: [locality] });
      break;
    }
    case 'cluster': {
      const discovery = { kind: 'eds', serviceName: one.to } as const;
      put(store.cluster, one.name, testCluster({ name: one.name, discovery }));
      break;
    }
    case 'route': {
      const routes = [testRoute({ action: testForward({ targets: [{ cluster: one.to, weight: 1 }] }) })];
      put(store.route, one.name, { ...testRouteConfiguration([{ domains: ['*'], routes }]), name: one.name });
      break;
    }
    case 'listener':
      put(store.listener, one.name, { name: one.name, routes: one.to });
      break;
    case 'refuse': {
      const refused: ReadResource<never> = {
        name: one.name,
        outcome: { ok: false, errors: [{ path: '', message: '' }] },
      };
      store[one.of].put(refused);
      break;
    }
    case 'remove':
      store[one.of].remove(one.name);
      break;
    case 'lose':
      store[one.of].replaceByMissing(one.name, 'it is gone');
      break;
    case 'forget':
      store[one.of].forget((known) => known === one.name);
      break;
  }
}

it('a configuration made of changed endpoints alone is the one that is made of everything', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const store = createResourceStore();
      store.listener.isReceived = true;
      store.cluster.isReceived = true;
      const configurations = new Configurations(store);
      let published: MeshResources | undefined;
      for (const one of actions) {
        if (one.kind !== 'turn') {
          perform(one, store);
          continue;
        }
        const expected = assemble(store, published);
        const next = configurations.next(published);
        const isNew = expected !== undefined && !(published && isSameConfiguration(expected, published));
        expect(next?.resources).toEqual(isNew ? expected : undefined);
        if (next === undefined || expected === undefined) continue;
        for (const [service, value] of expected.assignments) {
          expect(next.resources.assignments.get(service)).toBe(value);
        }
        published = next.resources;
      }
    }),
    { numRuns: 2000 },
  );
});
