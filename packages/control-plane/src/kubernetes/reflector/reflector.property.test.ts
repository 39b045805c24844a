import { FakeClock, seededRandom } from '@inmesh/core/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ApiModel, failure } from '../../../test/support/kubernetes/api-model.js';
import { KubernetesClient } from '../client/client.js';
import { type KubernetesObject, keyOf, type ResourceType } from '../client/objects.js';
import { Reflector } from './reflector.js';

const services: ResourceType = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true };
const collection = '/api/v1/services';
const names = ['shop/a', 'shop/b', 'shop/c', 'bank/a', 'bank/b'];

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key: fc.constantFrom(...names) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key: fc.constantFrom(...names) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 100, 1000, 15_000, 100_000) }),
  },
  fc.record({ do: fc.constant('bookmark' as const) }),
  fc.record({ do: fc.constant('compact' as const), asEvent: fc.boolean() }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      how: fc.constantFrom('end' as const, 'cut' as const, 'half' as const),
    }),
  },
  fc.record({ do: fc.constant('silence' as const) }),
  fc.record({ do: fc.constant('down' as const) }),
  fc.record({ do: fc.constant('up' as const) }),
  fc.record({ do: fc.constant('busy' as const), times: fc.integer({ min: 1, max: 4 }) }),
  // What has been told is told again, the other way round.
  fc.record({ do: fc.constant('repeat' as const), last: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constant('error' as const), code: fc.constantFrom(410, 500, 504) }),
);

type Action = typeof action extends fc.Arbitrary<infer One> ? One : never;

function perform(step: Exclude<Action, { do: 'pass' }>, model: ApiModel, told: typeof model.stored.history): void {
  switch (step.do) {
    case 'set': {
      const [namespace, name] = step.key.split('/') as [string, string];
      model.stored.set(collection, step.key, { metadata: { namespace, name } });
      return;
    }
    case 'delete':
      model.stored.delete(collection, step.key);
      return;
    case 'bookmark':
      model.bookmark();
      return;
    case 'compact':
      model.goneAsEvent = step.asEvent;
      model.stored.compact();
      return;
    case 'cut':
      model.cut(step.how);
      return;
    case 'silence':
      model.silence();
      return;
    case 'down':
      model.isDown = true;
      model.cut();
      return;
    case 'up':
      model.isDown = false;
      return;
    case 'busy': {
      let left = step.times;
      model.intercept = () => (left-- > 0 ? failure(503, 'ServiceUnavailable', 'not now', '1') : undefined);
      return;
    }
    case 'repeat':
      model.repeat(told.slice(-step.last).reverse());
      return;
    case 'error':
      model.raw(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: step.code, message: 'no' } })}\n`);
      return;
  }
}

function versions(objects: Iterable<KubernetesObject>): Record<string, string | undefined> {
  return Object.fromEntries([...objects].map((one) => [keyOf(one), one.metadata.resourceVersion]).sort());
}

it('whatever happens, the store ends as the API server, and nothing leaves it that was not deleted there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), fc.integer(), async (actions, seed) => {
      const clock = new FakeClock();
      const random = seededRandom(seed);
      const model = new ApiModel();
      model.pageSize = 2;
      for (const key of names.slice(0, 3)) perform({ do: 'set', key }, model, []);
      const deleted = new Set<string | undefined>();
      const told: typeof model.stored.history = [];
      model.stored.onEvent((event) => {
        told.push(event);
        if (event.type === 'DELETED') deleted.add(event.object.metadata.uid);
      });
      const rebuilt = new Map<string, KubernetesObject>();
      const reflector = new Reflector({
        client: new KubernetesClient({ transport: model, clock, random }),
        ...{ type: services, clock, random },
        onChange: ({ changed, removed }) => {
          for (const one of changed) rebuilt.set(keyOf(one), one);
          for (const one of removed) {
            expect(deleted).toContain(one.metadata.uid);
            rebuilt.delete(keyOf(one));
          }
        },
      });
      await clock.advanceAsync(0);
      for (const step of actions) {
        if (step.do === 'pass') await clock.advanceAsync(step.ms);
        else perform(step, model, told);
      }
      model.isDown = false;
      // Longer than the longest pause, after the watchdog; then what is kept is what there is.
      await clock.advanceAsync(300_000);
      const wanted = versions(model.stored.list(collection));
      expect(versions(reflector.store.values())).toEqual(wanted);
      expect(versions(rebuilt.values())).toEqual(wanted);
      expect(model.openWatches).toBe(1);
      expect(reflector.problem).toBeUndefined();
      await reflector.close();
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 300, seed: 6 },
  );
});
