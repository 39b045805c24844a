import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeConnection } from '../../../test/fake-connection.js';
import { assignmentMessage, clusterMessage } from '../../../test/fixtures.js';
import { RecordingLogger } from '../../../test/logger.js';
import { AdsClient } from '../ads-client.js';
import { insecureServer } from '../server-config.js';

const servers = ['a', 'b', 'c'];

interface Attempt {
  readonly connection: FakeConnection;
  isOpen: boolean;
  hasAnswered: boolean;
}

/** Three servers that come and go, and give clusters of their own name. */
class World {
  readonly clock = new FakeClock(1000);
  readonly attempts = new Map<string, Attempt>();
  published: MeshResources | undefined;
  readonly client = new AdsClient({
    servers: servers.map(insecureServer),
    node: { id: 'n', cluster: 'c', metadata: {} },
    clock: this.clock,
    random: () => 0.5,
    logger: new RecordingLogger(),
    onResources: (resources) => {
      this.published = resources;
    },
    connect: (handlers, { serverUri }) => {
      const connection = new FakeConnection(handlers);
      this.attempts.set(serverUri, { connection, isOpen: false, hasAnswered: false });
      return connection;
    },
  });

  alive(server: string): Attempt | undefined {
    const attempt = this.attempts.get(server);
    return attempt === undefined || attempt.connection.isClosed ? undefined : attempt;
  }

  do(event: 'open' | 'answer' | 'answer in part' | 'fail', server: string): void {
    const attempt = this.alive(server);
    if (attempt === undefined) return;
    if (event === 'fail') attempt.connection.handlers.onClose('UNAVAILABLE: gone');
    else if (!attempt.isOpen) {
      attempt.isOpen = true;
      attempt.connection.handlers.onOpen();
    } else if (event !== 'open') {
      attempt.hasAnswered = true;
      this.#answer(attempt.connection, server, event === 'answer');
    }
  }

  #answer(connection: FakeConnection, server: string, isWhole: boolean): void {
    connection.respond('cluster', [clusterMessage(server)]);
    if (!isWhole) return;
    connection.respond('listener', []);
    connection.respond('endpoint', [assignmentMessage(server, '127.0.0.1')]);
  }
}

const event = fc.record({
  kind: fc.constantFrom('open' as const, 'answer' as const, 'answer in part' as const, 'fail' as const),
  server: fc.constantFrom(...servers),
  ms: fc.constantFrom(0, 400, 5000, 31_000),
});

it('leaves the servers after one that answers, and ends at the first when all of them are there', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const world = new World();
      world.client.start();
      for (const { kind, server, ms } of events) {
        world.do(kind, server);
        world.clock.advance(ms);
        const answering = servers.findIndex((name) => world.alive(name)?.hasAnswered);
        const later = answering < 0 ? [] : servers.slice(answering + 1);
        expect(later.filter((name) => world.alive(name))).toEqual([]);
      }
      world.clock.advance(31_000);
      world.do('open', 'a');
      world.do('answer', 'a');
      world.clock.advance(31_000);
      expect([...(world.published?.clusters.keys() ?? [])]).toEqual(['a']);
      expect(servers.filter((name) => world.alive(name))).toEqual(['a']);
      world.client.close();
      expect(world.clock.pendingTimers).toBe(0);
    }),
    { numRuns: 300 },
  );
});
