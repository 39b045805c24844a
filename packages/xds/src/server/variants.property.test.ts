import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  assignmentMessage,
  clusterMessage,
  listenerMessage,
  resourceSet,
  routeMessage,
  secretMessage,
} from '../../test/fixtures.js';
import { type ModelClient, ModelDeltaClient, ModelWorldClient } from '../../test/model-clients.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { type ServedKind, servedKinds } from '../resources/type-urls.js';
import { findResource } from './on-demand.js';
import { SnapshotCache } from './snapshot-cache.js';

const names = ['a', 'b', 'c', 'd'];
const named = fc.constantFrom('*', ...names, 'made');
const kind = fc.constantFrom(...servedKinds);
const someContents = fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 1, max: 2 }));
const contents = fc.record({
  cluster: someContents,
  endpoint: someContents,
  listener: someContents,
  route: someContents,
  secret: someContents,
  made: someContents,
});

const action = fc.oneof(
  fc.record({ do: fc.constant('publish' as const), contents }),
  fc.record({ do: fc.constant('subscribe' as const), kind, name: named }),
  fc.record({ do: fc.constant('unsubscribe' as const), kind, name: named }),
  fc.record({ do: fc.constant('process' as const), refuse: fc.boolean() }),
  fc.record({ do: fc.constantFrom('reconnect' as const, 'slow' as const, 'flush' as const) }),
);

/** `made` is what there is on demand. */
type Contents = Readonly<Record<ServedKind | 'made', Readonly<Record<string, number>>>>;
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** Each number makes another content of the same name. */
function setOf({ cluster, endpoint, listener, route, secret, made }: Contents): ResourceSet {
  const listed = resourceSet({
    clusters: Object.entries(cluster).map(([name, content]) => clusterMessage(name, { altStatName: `x${content}` })),
    assignments: Object.entries(endpoint).map(([name, content]) => assignmentMessage(name, `10.0.0.${content}`)),
    listeners: Object.entries(listener).map(([name, content]) =>
      listenerMessage(name, name, { statPrefix: `x${content}` }),
    ),
    routes: Object.entries(route).map(([name, content]) => routeMessage(name, `x${content}`)),
  });
  const secrets = Object.entries(secret).map(([name, content]) => secretMessage(name, `x${content}`));
  return {
    ...listed,
    secrets: new Map(secrets.map((message) => [message.name, message])),
    ...(made.a !== undefined && { listenerOnDemand: makerOf(made.a) }),
  };
}

const makers = new Map<number, NonNullable<ResourceSet['listenerOnDemand']>>();

function makerOf(content: number): NonNullable<ResourceSet['listenerOnDemand']> {
  const make = (name: string) =>
    name === 'made' || name === 'b' ? listenerMessage(name, name, { statPrefix: `made${content}` }) : undefined;
  const known = makers.get(content) ?? make;
  makers.set(content, known);
  return known;
}

function perform(step: Action, client: ModelClient, cache: SnapshotCache): void {
  if (step.do === 'publish') cache.setSnapshot(setOf(step.contents));
  else if (step.do === 'subscribe') client.subscribe(step.kind, step.name);
  else if (step.do === 'unsubscribe') client.unsubscribe(step.kind, step.name);
  else if (step.do === 'process') client.process(step.refuse);
  else if (step.do === 'reconnect') client.reconnect();
  else if (step.do === 'slow') client.setSlow(true);
  else client.flush();
}

/** The client reads all that is sent to it, and the server all that the client says to that. */
function calmDown(client: ModelClient): void {
  client.setSlow(false);
  for (let round = 0; round < 1000; round += 1) {
    client.flush();
    if (!client.process(false)) return;
  }
  throw new Error('the server sends without end');
}

/** What the newest snapshot has of what a client subscribed to. */
function wantedOf(client: ModelClient, cache: SnapshotCache, of: ServedKind): Record<string, string> {
  const type = cache.current![of];
  const listed = [...type.resources.values()].filter(({ name }) => client.wants(of, name));
  const all = [...listed, ...[...client.of(of).names].flatMap((name) => findResource(type, name) ?? [])];
  return Object.fromEntries(all.map(({ name, any }) => [name, Buffer.from(any.value).toString('hex')]));
}

/** What a client accepts is not sent again, so that what it refused has to change once more. */
const changed = (contents: Contents): Contents => {
  const change = (some: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(some).map(([name, content]) => [name, content + 10]));
  return {
    cluster: change(contents.cluster),
    endpoint: change(contents.endpoint),
    listener: change(contents.listener),
    route: change(contents.route),
    secret: change(contents.secret),
    made: change(contents.made),
  };
};

const scenario = fc.record({
  actions: fc.array(action, { maxLength: 60, size: 'max' }),
  last: contents,
  mayRefuse: fc.boolean(),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

function play(
  client: ModelClient,
  cache: SnapshotCache,
  { actions, last, mayRefuse }: Scenario,
  check: () => void,
): void {
  cache.setSnapshot(setOf(last));
  for (const step of actions) {
    perform(step.do === 'process' ? { ...step, refuse: step.refuse && mayRefuse } : step, client, cache);
  }
  calmDown(client);
  if (!mayRefuse) check();
  cache.setSnapshot(setOf(changed(last)));
  calmDown(client);
  check();
}

it('whatever happens, an incremental client ends with the newest of what it subscribed to, and nothing else', () => {
  fc.assert(
    fc.property(scenario, (played) => {
      const cache = new SnapshotCache();
      const client = new ModelDeltaClient(cache);
      play(client, cache, played, () => {
        for (const of of servedKinds) {
          expect(Object.fromEntries(client.of(of).held)).toEqual(wantedOf(client, cache, of));
        }
      });
    }),
    { numRuns: 500 },
  );
});

it('whatever happens, a state-of-the-world client ends with the newest of what it subscribed to', () => {
  fc.assert(
    fc.property(scenario, (played) => {
      const cache = new SnapshotCache();
      const client = new ModelWorldClient(cache);
      play(client, cache, played, () => {
        for (const of of servedKinds) {
          const held = Object.fromEntries(client.of(of).held);
          const wanted = wantedOf(client, cache, of);
          // Of routes and endpoints it is never told that they are gone.
          if (of === 'cluster' || of === 'listener') expect(held).toEqual(wanted);
          else expect(held).toMatchObject(wanted);
        }
      });
    }),
    { numRuns: 500 },
  );
});
