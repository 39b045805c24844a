import type { Clock } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { FakeDeltaConnections } from '../../test/fake-delta-connection.js';
import { assignmentMessage, clusterMessage } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

it('a publication that took long is followed by a pause of four times that, and then by the newest of all', () => {
  const fake = new FakeClock();
  let busyMs = 0;
  const clock: Clock = { now: () => fake.now() + busyMs, setTimer: (ms, run) => fake.setTimer(ms, run) };
  const connections = new FakeDeltaConnections();
  const published: string[] = [];
  const client = new AdsClient({
    servers: [insecureServer('server:1')],
    node: { id: 'n', cluster: 'c', metadata: {} },
    variant: 'incremental',
    clock,
    random: () => 0,
    logger: new RecordingLogger(),
    onResources: ({ assignments }) => {
      published.push(assignments.get('a')!.localities[0]!.endpoints[0]!.host);
      busyMs += 10;
    },
    connectIncrementally: connections.connect,
  });
  client.start();
  const { current } = connections;
  current.handlers.onOpen();
  current.respond('cluster', [clusterMessage('a')]);
  current.respond('listener', []);
  current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
  fake.advance(0);
  current.respond('endpoint', [assignmentMessage('a', '10.0.0.2')]);
  fake.advance(30);
  current.respond('endpoint', [assignmentMessage('a', '10.0.0.3')]);
  fake.advance(9);
  expect(published).toEqual(['10.0.0.1']);
  fake.advance(1);
  expect(published).toEqual(['10.0.0.1', '10.0.0.3']);
  client.close();
});
