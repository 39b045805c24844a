import { emptyResources, type MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assignmentMessage, clusterMessage, listenerMessage, resourceSet, routeMessage } from '../test/fixtures.js';
import { type InProcessConnection, InProcessConnections } from '../test/in-process-connection.js';
import { RecordingLogger } from '../test/logger.js';
import { AdsClient, type AdsVariant, insecureServer } from './client/index.js';
import { decodeResources } from './resources/decode-resources.js';
import type { ResourceSet } from './resources/resource-set.js';
import { SnapshotCache } from './server/index.js';
import { incremental, stateOfTheWorld } from './server/variant.js';

const names = ['a', 'b', 'c'];

/** A service: its listener, its routes to `target`, its cluster and its endpoints. A bad cluster is refused by the client. */
const services = fc.dictionary(
  fc.constantFrom(...names),
  fc.record({ host: fc.integer({ min: 1, max: 3 }), timeout: fc.integer({ min: 1, max: 2 }) }),
);

const action = fc.oneof(
  fc.record({ do: fc.constant('publish' as const), services, bad: fc.option(fc.constantFrom(...names)) }),
  fc.record({ do: fc.constantFrom('request' as const, 'response' as const, 'turn' as const, 'breakOff' as const) }),
);

type Services = typeof services extends fc.Arbitrary<infer Value> ? Value : never;
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

function setOf(of: Services, bad: string | null = null): ResourceSet {
  const all = Object.entries(of);
  return resourceSet({
    listeners: all.map(([name]) => listenerMessage(name, name)),
    routes: all.map(([name]) => routeMessage(name, name)),
    clusters: all.map(([name, { timeout }]) =>
      clusterMessage(name, { connectTimeout: name === bad ? {} : { seconds: BigInt(timeout) } }),
    ),
    assignments: all.map(([name, { host }]) => assignmentMessage(name, `10.0.0.${host}`)),
  });
}

interface Player {
  readonly connection: () => Pick<
    InProcessConnection<unknown, unknown>,
    'open' | 'moveRequest' | 'moveResponse' | 'breakOff'
  >;
  readonly client: AdsClient;
  readonly clock: FakeClock;
  readonly cache: SnapshotCache;
  readonly published: () => MeshResources;
}

function playerOf(variant: AdsVariant): Player {
  const clock = new FakeClock();
  const cache = new SnapshotCache();
  const worlds = new InProcessConnections(stateOfTheWorld, cache);
  const deltas = new InProcessConnections(incremental, cache);
  let published: MeshResources = emptyResources;
  const client = new AdsClient({
    servers: [insecureServer('server:1')],
    node: { id: 'n', cluster: 'c', metadata: {} },
    variant,
    clock,
    random: () => 0,
    logger: new RecordingLogger(),
    onResources: (resources) => {
      published = resources;
    },
    connect: worlds.connect,
    connectIncrementally: deltas.connect,
  });
  client.start();
  const connection = () => (variant === 'incremental' ? deltas.current : worlds.current);
  connection().open();
  return { connection, client, clock, cache, published: () => published };
}

function perform(step: Action, { connection, clock, cache }: Player): void {
  if (step.do === 'publish') cache.setSnapshot(setOf(step.services, step.bad));
  else if (step.do === 'request') connection().moveRequest();
  else if (step.do === 'response') connection().moveResponse();
  else if (step.do === 'turn') clock.advance(0);
  else {
    connection().breakOff();
    clock.advance(0);
    connection().open();
  }
}

/** Everything that is on its way arrives, and what that leads to. */
function calmDown({ connection, clock }: Player): void {
  for (let round = 0; round < 1000; round += 1) {
    clock.advance(0);
    const current = connection();
    if (![current.moveRequest(), current.moveResponse()].includes(true)) return;
  }
  throw new Error('client and server talk without end');
}

it.each<AdsVariant>(['incremental', 'state of the world'])(
  'whatever happens, a client ends with the newest configuration: %s',
  (variant) => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80, size: 'max' }), services, (actions, last) => {
        const player = playerOf(variant);
        for (const step of actions) perform(step, player);
        calmDown(player);
        player.cache.setSnapshot(setOf(last));
        calmDown(player);
        const { listeners, routes, clusters, assignments } = decodeResources(setOf(last)).resources;
        const published = player.published();
        expect(new Map(published.listeners)).toEqual(new Map(listeners));
        expect(new Map(published.routes)).toEqual(new Map(routes));
        expect(new Map(published.clusters)).toEqual(new Map(clusters));
        expect(new Map(published.assignments)).toEqual(new Map(assignments));
        player.client.close();
        expect(player.clock.pendingTimers).toBe(0);
      }),
      { numRuns: 200 },
    );
  },
);
