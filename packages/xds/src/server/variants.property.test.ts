import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assignmentMessage, clusterMessage, listenerMessage, resourceSet, routeMessage } from '../../test/fixtures.js';
import { type ModelClient, ModelDeltaClient, ModelWorldClient } from '../../test/model-clients.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { type ResourceKind, resourceKinds } from '../resources/type-urls.js';
import { SnapshotCache } from './snapshot-cache.js';

const names = ['a', 'b', 'c', 'd'];
const kind = fc.constantFrom(...resourceKinds);
const someContents = fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 1, max: 2 }));
const contents = fc.record({
  cluster: someContents,
  endpoint: someContents,
  listener: someContents,
  route: someContents,
});

const action = fc.oneof(
  fc.record({ do: fc.constant('publish' as const), contents }),
  fc.record({ do: fc.constant('subscribe' as const), kind, name: fc.constantFrom('*', ...names) }),
  fc.record({ do: fc.constant('unsubscribe' as const), kind, name: fc.constantFrom('*', ...names) }),
  fc.record({ do: fc.constant('process' as const), refuse: fc.boolean() }),
  fc.record({ do: fc.constantFrom('reconnect' as const, 'slow' as const, 'flush' as const) }),
);

type Contents = Readonly<Record<ResourceKind, Readonly<Record<string, number>>>>;
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** Each number makes another content of the same name. */
function setOf({ cluster, endpoint, listener, route }: Contents): ResourceSet {
  return resourceSet({
    clusters: Object.entries(cluster).map(([name, content]) => clusterMessage(name, { altStatName: `x${content}` })),
    assignments: Object.entries(endpoint).map(([name, content]) => assignmentMessage(name, `10.0.0.${content}`)),
    listeners: Object.entries(listener).map(([name, content]) =>
      listenerMessage(name, name, { statPrefix: `x${content}` }),
    ),
    routes: Object.entries(route).map(([name, content]) => routeMessage(name, `x${content}`)),
  });
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
function wantedOf(client: ModelClient, cache: SnapshotCache, of: ResourceKind): Record<string, string> {
  const all = [...cache.current![of].resources.values()].filter(({ name }) => client.wants(of, name));
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
        for (const of of resourceKinds) {
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
        for (const of of resourceKinds) {
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
