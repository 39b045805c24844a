import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeConnections } from '../../test/fake-connection.js';
import { FakeDeltaConnections } from '../../test/fake-delta-connection.js';
import { assignmentMessage, clusterMessage, listenerMessage, routeMessage } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { rawAny } from '../../test/responses.js';
import { resourceTypes } from '../resources/resource-types.js';
import { type ResourceKind, resourceKinds, typeUrls } from '../resources/type-urls.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

const good = {
  cluster: resourceTypes.cluster.write(clusterMessage('a')),
  endpoint: resourceTypes.endpoint.write(assignmentMessage('a', '10.0.0.1', '10.0.0.2')),
  listener: resourceTypes.listener.write(listenerMessage('l', 'r')),
  route: resourceTypes.route.write(routeMessage('r', 'a')),
};

/** Another resource of the kind, which is to be damaged. */
const victims = {
  cluster: resourceTypes.cluster.write(clusterMessage('b', { connectTimeout: { seconds: 3n } })),
  endpoint: resourceTypes.endpoint.write(assignmentMessage('b', '10.0.0.3', '10.0.0.4')),
  listener: resourceTypes.listener.write(listenerMessage('m', 's')),
  route: resourceTypes.route.write(routeMessage('s', 'b')),
};

type Damage = (bytes: Uint8Array) => Uint8Array;

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(position, fc.nat(255)).map(
    ([at, value]): Damage =>
      (bytes) =>
        bytes.map((byte, index) => (index === Math.floor(at * bytes.length) ? value : byte)),
  ),
  position.map(
    (at): Damage =>
      (bytes) =>
        bytes.subarray(0, Math.floor(at * bytes.length)),
  ),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 12 })).map(
    ([at, more]): Damage =>
      (bytes) => {
        const split = Math.floor(at * bytes.length);
        return Buffer.concat([bytes.subarray(0, split), more, bytes.subarray(split)]);
      },
  ),
  fc.tuple(position, position).map(
    ([from, to]): Damage =>
      (bytes) => {
        const [start, end] = [from, to].sort((a, b) => a - b).map((at) => Math.floor(at * bytes.length)) as [
          number,
          number,
        ];
        return Buffer.concat([bytes, bytes.subarray(start, end)]);
      },
  ),
);

const damaged = fc.record({
  kind: fc.constantFrom<ResourceKind>(...resourceKinds),
  damages: fc.array(damage, { minLength: 1, maxLength: 4 }),
});

function startClient(variant: 'incremental' | 'state of the world') {
  const clock = new FakeClock();
  const worlds = new FakeConnections();
  const deltas = new FakeDeltaConnections();
  const published: MeshResources[] = [];
  const client = new AdsClient({
    servers: [insecureServer('server:1')],
    node: { id: 'n', cluster: 'c', metadata: {} },
    variant,
    clock,
    random: () => 0,
    logger: new RecordingLogger(),
    onResources: (resources) => published.push(resources),
    connect: worlds.connect,
    connectIncrementally: deltas.connect,
  });
  client.start();
  let nonce = 0;
  const connection = () => (variant === 'incremental' ? deltas.current : worlds.current);
  connection().handlers.onOpen();
  const send = (kind: ResourceKind, resources: readonly Uint8Array[]) => {
    nonce += 1;
    if (variant === 'incremental') {
      deltas.current.respondRaw({
        typeUrl: typeUrls[kind],
        nonce: String(nonce),
        resources: resources.map((bytes, index) => ({
          name: index === 0 ? nameOf[kind] : 'b',
          version: String(nonce),
          resource: rawAny(kind, bytes),
        })),
      });
    } else {
      worlds.current.respond(kind, [], { nonce: String(nonce), raw: resources.map((bytes) => rawAny(kind, bytes)) });
    }
    for (let turn = 0; turn < 5; turn += 1) clock.advance(0);
    return String(nonce);
  };
  const answerTo = (of: string) => connection().requests.findLast(({ responseNonce }) => responseNonce === of);
  return { send, answerTo, published };
}

const nameOf = { cluster: 'a', endpoint: 'a', listener: 'l', route: 'r' } as const;

describe.each(['incremental', 'state of the world'] as const)('a damaged resource (%s)', (variant) => {
  it('is answered, and never harms what is in use', () => {
    fc.assert(
      fc.property(fc.array(damaged, { minLength: 1, maxLength: 5 }), (all) => {
        const { send, answerTo, published } = startClient(variant);
        for (const kind of ['cluster', 'endpoint', 'listener', 'route'] as const) send(kind, [good[kind]]);
        const before = published.at(-1)!;
        expect(before.routes.has('r')).toBe(true);
        for (const { kind, damages } of all) {
          const bytes = damages.reduce((sum, one) => one(sum), victims[kind]);
          const answer = answerTo(send(kind, [good[kind], bytes]));
          expect(answer).toBeDefined();
          if (answer?.errorDetail !== undefined) expect(answer.errorDetail.message).toMatch(/^\w+ ".*": ./s);
        }
        const after = published.at(-1)!;
        for (const part of ['clusters', 'listeners', 'routes', 'assignments'] as const) {
          const name = { clusters: 'a', listeners: 'l', routes: 'r', assignments: 'a' }[part];
          expect(after[part].get(name)).toBe(before[part].get(name));
        }
      }),
      { numRuns: 400 },
    );
  });
});
