import type { MeshResources } from '@inmesh/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clusterMessage } from '../../test/fixtures.js';
import { Inbox } from '../../test/inbox.js';
import { RecordingLogger } from '../../test/logger.js';
import { realClock } from '../../test/real-clock.js';
import { ScriptedServer } from '../../test/scripted-server.js';
import { AdsClient } from './ads-client.js';
import { insecureServer } from './server-config.js';

let server: ScriptedServer;

beforeEach(() => {
  server = new ScriptedServer();
});

afterEach(() => server.kill());

it('takes the state of the world from a server without incremental xDS, and says so', async () => {
  const published = new Inbox<MeshResources>();
  const logger = new RecordingLogger();
  const client = new AdsClient({
    servers: [insecureServer(await server.start())],
    node: { id: 'n1', cluster: 'c1', metadata: {} },
    variant: 'incremental',
    clock: realClock,
    // A wait before the second attempt would last half a second.
    random: () => 0.5,
    logger,
    onResources: (resources) => published.put(resources),
  });
  client.start();
  const stream = await server.streams.next();
  stream.respond('cluster', [clusterMessage('a')]);
  stream.respond('listener', []);
  expect((await stream.nextOf('endpoint')).resourceNames).toEqual(['a']);
  expect([...(await published.next()).listeners]).toEqual([]);
  expect(logger.lines.map(({ message }) => message)).toContain(
    'the config server does not know incremental xDS: taking the state of the world',
  );
  client.close();
});
