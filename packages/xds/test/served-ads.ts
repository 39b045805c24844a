import { afterEach, beforeEach } from 'vitest';
import type { ResourceKind } from '../src/resources/type-urls.js';
import { AdsServer } from '../src/server/ads-server.js';
import { SnapshotCache } from '../src/server/snapshot-cache.js';
import { assignmentMessage, serviceSet } from './fixtures.js';
import { type RunningServer, startGrpcServer } from './grpc-server.js';
import { RecordingLogger } from './logger.js';
import { ScriptedClient, type Summary } from './scripted-client.js';

// An ADS server on a socket for each test of the file that imports this.
export let cache: SnapshotCache;
export let logger: RecordingLogger;
export let ads: AdsServer;
export let server: RunningServer;
let clients: ScriptedClient[];

beforeEach(async () => {
  cache = new SnapshotCache();
  logger = new RecordingLogger();
  clients = [];
  ads = new AdsServer({ cache, logger, now: () => 1000 });
  server = await startGrpcServer((grpc) => ads.addTo(grpc));
});

afterEach(() => {
  for (const client of clients) client.close();
  ads.close();
  server.kill();
});

/** Closed after the test. */
export function connect(): ScriptedClient {
  const client = new ScriptedClient(server.address);
  clients.push(client);
  return client;
}

/** A client that has subscribed to all of two services and accepted them. */
export async function connectFully(): Promise<{ client: ScriptedClient; first: Record<ResourceKind, Summary> }> {
  const client = connect();
  const first: Partial<Record<ResourceKind, Summary>> = {};
  const names = { cluster: [], endpoint: ['a', 'b'], listener: [], route: ['a', 'b'] };
  for (const kind of ['cluster', 'endpoint', 'listener', 'route'] as const) {
    client.request(kind, names[kind]);
    const response = await client.next();
    client.ack(response, names[kind]);
    first[kind] = response;
  }
  return { client, first: first as Record<ResourceKind, Summary> };
}

/** What the server sends up to the answer to a request of its own; shows that nothing else was sent. */
export async function sentUntilNow(client: ScriptedClient): Promise<Summary[]> {
  const type = 'endpoint';
  client.request(type, ['fence']);
  const sent: Summary[] = [];
  for (;;) {
    const response = await client.next();
    if (response.kind === type && response.names.includes('fence')) return sent;
    sent.push(response);
  }
}

/** With what `sentUntilNow` asks for. */
export const withFence = (set: ReturnType<typeof serviceSet>) => ({
  ...set,
  assignments: new Map([...set.assignments, ['fence', assignmentMessage('fence', '10.9.9.9')]]),
});

export const two = serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.2'] });
