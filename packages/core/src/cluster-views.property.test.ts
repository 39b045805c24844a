import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SnapshotAssembler } from './assemble.js';
import type { Cluster, ClusterLoadAssignment } from './model/cluster.js';
import { emptyResources, type MeshResources } from './model/resources.js';
import type { MeshSnapshot } from './snapshot.js';
import { FakeClock, seededRandom, testCluster, testEndpoint, testHash64 } from './testing/index.js';

const clusterNames = ['a', 'b', 'c'];
const serviceNames = ['s', 't'];
const service = fc.constantFrom(...serviceNames);

const action = fc.oneof(
  fc.record({
    kind: fc.constant('clusters' as const),
    clusters: fc.uniqueArray(fc.tuple(fc.constantFrom(...clusterNames), service), { selector: ([name]) => name }),
  }),
  fc.record({
    kind: fc.constant('endpoints' as const),
    service,
    hosts: fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3')),
    priority: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ kind: fc.constant('no endpoints' as const), service }),
  fc.record({ kind: fc.constant('listeners' as const), names: fc.uniqueArray(fc.constantFrom('x:80', 'y:80')) }),
);

type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

function perform(one: Action, before: MeshResources): MeshResources {
  switch (one.kind) {
    case 'clusters':
      return { ...before, clusters: new Map(one.clusters.map(([name, of]) => [name, edsCluster(name, of)])) };
    case 'endpoints':
      return { ...before, assignments: new Map(before.assignments).set(one.service, assignmentOf(one)) };
    case 'no endpoints':
      return { ...before, assignments: new Map([...before.assignments].filter(([name]) => name !== one.service)) };
    case 'listeners':
      return { ...before, listeners: new Map(one.names.map((name) => [name, { name, routes: 'none' }])) };
  }
}

function edsCluster(name: string, serviceName: string): Cluster {
  return testCluster({ name, discovery: { kind: 'eds', serviceName } });
}

function assignmentOf({
  service: clusterName,
  hosts,
  priority,
}: Action & { kind: 'endpoints' }): ClusterLoadAssignment {
  const endpoints = hosts.map((host) => testEndpoint({ host }));
  return { clusterName, localities: [{ region: '', zone: '', subZone: '', priority, weight: 1, endpoints }] };
}

/** No map of it is one that was seen before, so that everything is looked at. */
function copyOf({ listeners, routes, clusters, assignments }: MeshResources): MeshResources {
  return {
    listeners: new Map(listeners),
    routes: new Map(routes),
    clusters: new Map(clusters),
    assignments: new Map(assignments),
  };
}

function assembler() {
  const removed: string[] = [];
  const made = new SnapshotAssembler({
    ...{ clock: new FakeClock(), random: seededRandom(1), hash64: testHash64, searchDomains: [] },
    onEndpointRemoved: ({ address }) => removed.push(address),
  });
  return { made, removed };
}

function describeSnapshot(snapshot: MeshSnapshot) {
  return {
    clusters: [...snapshot.clusters].map(([name, view]) => ({
      name,
      cluster: view.cluster,
      endpoints: view.endpoints.map(({ endpoint, priority, state }) => [endpoint.address, priority, state.removed]),
      hosts: [...view.state.hosts.keys()],
      isNewest: view.state.newest === view,
    })),
    listeners: [...snapshot.listeners.keys()],
    found: ['x', 'y'].map((host) => snapshot.resolve('http', host)?.name),
  };
}

it('what is taken over of the snapshot before makes no difference to the next one', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const incremental = assembler();
      const whole = assembler();
      let resources = emptyResources;
      for (const one of actions) {
        resources = perform(one, resources);
        const a = incremental.made.assemble(resources);
        const b = whole.made.assemble(copyOf(resources));
        expect(describeSnapshot(a)).toEqual(describeSnapshot(b));
        expect(incremental.removed.toSorted()).toEqual(whole.removed.toSorted());
        const listed = new Set([...a.clusters.values()].flatMap((view) => view.endpoints.map(({ state }) => state)));
        expect([...listed].some(({ removed }) => removed)).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});
