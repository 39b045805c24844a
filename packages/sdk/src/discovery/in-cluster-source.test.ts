import { emptyResources, type MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import type { Resolution } from './dns/index.js';
import { InClusterSource } from './in-cluster-source.js';
import type { ConfigSource } from './source.js';

const failure: Resolution = { kind: 'failure', reason: 'servfail' };
const notFound: Resolution = { kind: 'notFound', ttlSeconds: 5 };
const addresses: Resolution = { kind: 'addresses', addresses: ['10.0.0.1'], ttlSeconds: 5, partial: false };
const configuration: MeshResources = { ...emptyResources, listeners: new Map() };

class FakeServer implements ConfigSource {
  readonly description = 'xds inmesh:15010';
  readonly problem = 'not connected yet';
  deliver: ((resources: MeshResources) => Promise<void>) | undefined;
  isClosed = false;

  start(deliver: (resources: MeshResources) => Promise<void>): void {
    expect(this.deliver).toBeUndefined();
    this.deliver = deliver;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** What it delivers, and what its log says, with DNS that says `answer` from its second answer on. */
function started(found: Resolution, { keepsCopy = false } = {}) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const delivered: MeshResources[] = [];
  const warnings: string[] = [];
  const dns = { answer: found, askedAt: [] as number[] };
  const resolver = {
    resolveName: async () => {
      dns.askedAt.push(clock.now());
      return dns.answer;
    },
  };
  const logger = { info() {}, warn: (text: string) => void warnings.push(text), error() {} };
  const source = keep(
    new InClusterSource({
      ...{ host: 'inmesh.test', found, server, keepsCopy, resolver, clock, logger, random: () => 0.5 },
    }),
  );
  source.start(async (resources) => void delivered.push(resources));
  return { source, server, clock, delivered, warnings, dns };
}

it('waits for the server while DNS fails, and asks again after longer and longer', async () => {
  const { source, server, clock, delivered, dns } = started(failure);
  expect([server.deliver === undefined, delivered, source.problem]).toEqual([false, [], 'not connected yet']);
  await clock.advanceAsync(60_000);
  expect(dns.askedAt).toEqual([500, 2000, 5500, 13_000, 28_000, 43_000, 58_000]);
  expect(delivered).toEqual([]);
});

it('asks no more once the server has given a configuration, or its name is there', async () => {
  const served = started(failure);
  await served.server.deliver!(configuration);
  served.dns.answer = notFound;
  const named = started(failure);
  named.dns.answer = addresses;
  await served.clock.advanceAsync(60_000);
  await named.clock.advanceAsync(60_000);
  expect([served.delivered, served.dns.askedAt, served.warnings]).toEqual([[configuration], [], []]);
  expect([named.delivered, named.dns.askedAt]).toEqual([[], [500]]);
});

it('goes without a server where there is none, says so once, and takes it when it comes', async () => {
  const { source, server, clock, delivered, warnings, dns } = started(notFound);
  expect([delivered, server.deliver]).toEqual([[emptyResources], undefined]);
  dns.answer = failure;
  await clock.advanceAsync(2000);
  expect([delivered, server.deliver]).toEqual([[emptyResources], undefined]);
  expect(warnings).toEqual([expect.stringContaining('DNS has no inmesh.test')]);
  expect(source.problem).toBe(warnings[0]);
  dns.answer = addresses;
  await clock.advanceAsync(30_000);
  expect([source.problem, warnings.length]).toEqual(['not connected yet', 1]);
  await server.deliver!(configuration);
  expect(delivered).toEqual([emptyResources, configuration]);
});

it('goes without one as soon as DNS says so after it has failed', async () => {
  const { clock, delivered, dns } = started(failure);
  dns.answer = notFound;
  await clock.advanceAsync(500);
  expect(delivered).toEqual([emptyResources]);
});

it('opens nothing where a copy is kept of what a server said', async () => {
  const { server, clock, delivered, warnings } = started(notFound, { keepsCopy: true });
  await clock.advanceAsync(60_000);
  expect([server.deliver === undefined, delivered, warnings]).toEqual([false, [], []]);
});

it('asks nobody any more once it is closed', async () => {
  const { source, server, clock, dns } = started(failure);
  await source.close();
  await clock.advanceAsync(60_000);
  expect([dns.askedAt, server.isClosed, clock.pendingTimers]).toEqual([[], true, 0]);
});
