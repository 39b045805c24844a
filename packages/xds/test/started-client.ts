import type { MeshResources } from '@inmesh/core';
import type { FakeClock } from '@inmesh/core/testing';
import { AdsClient } from '../src/client/ads-client.js';
import { insecureServer, type XdsServerConfig } from '../src/client/server-config.js';
import type { FakeConnections } from './fake-connection.js';
import { RecordingLogger } from './logger.js';

/** A client of the state of the world whose first connection stands; what it publishes is added to `published`. */
export function startedClient(
  clock: FakeClock,
  connections: FakeConnections,
  published: MeshResources[],
  server: XdsServerConfig = insecureServer('server:1'),
): AdsClient {
  const client = new AdsClient({
    servers: [server],
    node: { id: 'n', cluster: 'c', metadata: {} },
    clock,
    random: () => 0,
    logger: new RecordingLogger(),
    onResources: (resources) => published.push(resources),
    connect: connections.connect,
  });
  client.start();
  connections.current.handlers.onOpen();
  return client;
}
