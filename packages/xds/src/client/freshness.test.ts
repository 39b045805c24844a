import { create } from '@bufbuild/protobuf';
import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { FakeConnections } from '../../test/fake-connection.js';
import { clusterMessage } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { responseOf } from '../../test/responses.js';
import { ControlPlaneSchema } from '../messages.js';
import { writePosition } from '../position.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

/** A client of servers behind one address, and what it last had of clusters. */
function clientOfReplicas() {
  const clock = new FakeClock(1000);
  const connections = new FakeConnections();
  const client = new AdsClient({
    servers: [insecureServer('server:1')],
    node: { id: 'n', cluster: 'c', metadata: {} },
    clock,
    random: () => 0.5,
    logger: new RecordingLogger(),
    onResources: () => {},
    connect: connections.connect,
  });
  client.start();
  const answer = (cluster: string, identifier?: string) => {
    connections.current.handlers.onOpen();
    const response = responseOf('cluster', [clusterMessage(cluster)], { version: cluster });
    if (identifier !== undefined) response.controlPlane = create(ControlPlaneSchema, { identifier });
    connections.current.handlers.onResponse(response);
    return connections.current.last('cluster')?.versionInfo;
  };
  /** To the next replica. */
  const move = () => {
    if (client.status.kind !== 'disconnected') connections.current.handlers.onClose('UNAVAILABLE: gone');
    const { status } = client;
    if (status.kind !== 'disconnected') throw new Error('should be disconnected');
    const forMs = status.nextAttemptAtMs - clock.now();
    clock.advance(forMs);
    return forMs;
  };
  return { client, clock, connections, answer, move };
}

const at = (changed: number, reached: number) => writePosition({ changed, reached });

it('leaves a server that is behind the one before it, and asks for another', () => {
  const { client, answer, move, connections } = clientOfReplicas();
  expect(answer('new', at(20, 25))).toBe('new');
  move();
  const behind = connections.current;
  expect(answer('old', at(10, 19))).toBe('new');
  expect(behind.isClosed).toBe(true);
  expect(client.status).toMatchObject({
    kind: 'disconnected',
    reason: 'it is behind the server before it: what is known is newer',
  });
  move();
  expect(answer('newer', at(20, 20))).toBe('newer');
  client.close();
});

it('takes what there is at the first try after 10 s, and then goes by that: a store may have been restored', () => {
  const { client, clock, answer, move } = clientOfReplicas();
  answer('new', at(2000, 2500));
  move();
  const refusedAt = clock.now();
  while (answer('restored', at(10, 19)) !== 'restored') move();
  expect(clock.now() - refusedAt).toBe(1500 + 3500 + 7500);
  move();
  expect(answer('next', at(9, 12))).toBe('next');
  client.close();
});

it('counts anew when it has been listened to in between', () => {
  const { client, answer, move } = clientOfReplicas();
  answer('new', at(20, 20));
  for (let i = 0; i < 20; i += 1) {
    move();
    expect(answer('old', at(10, 19))).not.toBe('old');
    move();
    expect(answer(`same ${i}`, at(20, 21))).toBe(`same ${i}`);
  }
  client.close();
});

it.each([undefined, '', 'istiod-7c5', 'inmesh changed=1', `inmesh changed=${'9'.repeat(30)} reached=1`])(
  'takes a server for what it is that says of itself: %s',
  (identifier) => {
    const { client, answer, move } = clientOfReplicas();
    answer('new', at(20, 20));
    move();
    expect(answer('other', identifier)).toBe('other');
    client.close();
  },
);
