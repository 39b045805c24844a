import { FakeClock, seededRandom } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { FakeConnections } from '../../test/fake-connection.js';
import { clusterMessage } from '../../test/fixtures.js';
import { RecordingLogger } from '../../test/logger.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

/** How many streams a client opens in five minutes at a server that ends each of them as soon as it is there. */
function streamsInFiveMinutes(seed: number, answers: boolean): number {
  const clock = new FakeClock();
  const connections = new FakeConnections();
  const client = new AdsClient({
    servers: [insecureServer('server:1')],
    node: { id: 'n', cluster: 'c', metadata: {} },
    clock,
    random: seededRandom(seed),
    logger: new RecordingLogger(),
    onResources: () => {},
    connect: connections.connect,
  });
  client.start();
  let ended = 0;
  for (let step = 0; step < 300_000; step += 10) {
    if (connections.all.length > ended) {
      ended += 1;
      const { current } = connections;
      current.handlers.onOpen();
      if (answers) current.respond('cluster', [clusterMessage('a')]);
      current.handlers.onClose('the server ended the stream');
    }
    clock.advance(10);
  }
  client.close();
  return ended;
}

it.each([1, 2, 3])('streams that end at once are begun again ever more rarely (seed %i)', (seed) => {
  const count = streamsInFiveMinutes(seed, false);
  expect(count).toBeGreaterThan(10);
  expect(count).toBeLessThan(40);
});

it.each([1, 2, 3])('streams that end after an answer are begun again twice a second on average (seed %i)', (seed) => {
  const count = streamsInFiveMinutes(seed, true);
  expect(count).toBeGreaterThan(500);
  expect(count).toBeLessThan(700);
});
