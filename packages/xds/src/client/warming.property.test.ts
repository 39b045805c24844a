import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import fc from 'fast-check';
import { it } from 'vitest';
import { type FakeConnection, FakeConnections } from '../../test/fake-connection.js';
import { assignmentMessage, clusterMessage, listenerMessage, routeMessage } from '../../test/fixtures.js';
import { startedClient } from '../../test/started-client.js';
import { clustersOf, inlineRoutesOf } from './references.js';

const names = ['a', 'b', 'c'];
const name = fc.constantFrom(...names);
const someNames = fc.uniqueArray(name);

/** What a server may send at any time, in any order. */
const response = fc.oneof(
  fc.record({ kind: fc.constant('cluster' as const), names: someNames, serviceName: fc.constantFrom('', ...names) }),
  fc.record({ kind: fc.constant('endpoint' as const), names: someNames, last: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('listener' as const), names: someNames, routes: name, isInline: fc.boolean() }),
  fc.record({ kind: fc.constant('route' as const), names: someNames, cluster: name }),
  fc.constant({ kind: 'turn' as const }),
);

type ServerAction = typeof response extends fc.Arbitrary<infer Value> ? Value : never;

function perform(action: ServerAction, connection: FakeConnection, clock: FakeClock): void {
  if (action.kind === 'turn') clock.advance(0);
  else connection.respond(action.kind, messagesOf(action));
}

function messagesOf(action: Exclude<ServerAction, { kind: 'turn' }>) {
  switch (action.kind) {
    case 'cluster': {
      const edsConfig = { configSourceSpecifier: { case: 'ads', value: {} } } as const;
      const init = { edsClusterConfig: { edsConfig, serviceName: action.serviceName } };
      return action.names.map((cluster) => clusterMessage(cluster, init));
    }
    case 'endpoint':
      return action.names.map((service) => assignmentMessage(service, `10.0.0.${action.last}`));
    case 'listener': {
      const inline = { routeSpecifier: { case: 'routeConfig', value: routeMessage('x', action.routes) } } as const;
      return action.names.map((listener) => listenerMessage(listener, action.routes, action.isInline ? inline : {}));
    }
    case 'route':
      return action.names.map((route) => routeMessage(route, action.cluster));
  }
}

/** A configuration to change: without it most sequences would wait for something to the end. */
const beginning: ServerAction[] = [
  { kind: 'cluster', names, serviceName: '' },
  { kind: 'endpoint', names, last: 1 },
  { kind: 'listener', names, routes: 'a', isInline: false },
  { kind: 'route', names, cluster: 'a' },
  { kind: 'turn' },
];

/** As long as no time passes nothing counts as not existing, so nothing may dangle. */
function isConsistent({ listeners, routes, clusters, assignments }: MeshResources): boolean {
  const inUse = [...listeners.values()].map(
    (listener) => inlineRoutesOf(listener) ?? routes.get(listener.routes as string),
  );
  return inUse.every(
    (configuration) =>
      configuration !== undefined &&
      clustersOf(configuration).every((cluster) => {
        const discovery = clusters.get(cluster)?.discovery;
        return discovery?.kind === 'eds' && assignments.has(discovery.serviceName);
      }),
  );
}

it('whatever a server sends and in whatever order, no route that is published leads nowhere', () => {
  fc.assert(
    fc.property(fc.array(response, { maxLength: 60 }), (actions) => {
      const clock = new FakeClock();
      const connections = new FakeConnections();
      const published: MeshResources[] = [];
      const client = startedClient(clock, connections, published);
      for (const action of [...beginning, ...actions]) perform(action, connections.current, clock);
      clock.advance(0);
      client.close();
      return published.length > 0 && published.every(isConsistent);
    }),
    { numRuns: 1000 },
  );
});
