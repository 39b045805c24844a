import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FakeClock } from '@inmesh/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeDnsServer } from '../../../test/support/fake-dns-server.js';
import { DnsClient, type DnsClientOptions } from './dns-client.js';

let server: FakeDnsServer;
let other: FakeDnsServer;
let clock: FakeClock;
let clients: DnsClient[];

beforeEach(async () => {
  server = await FakeDnsServer.start();
  other = await FakeDnsServer.start();
  clock = new FakeClock();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  await server.close();
  await other.close();
});

function clientOf(options: Partial<DnsClientOptions> = {}): DnsClient {
  const client = new DnsClient({ clock, servers: [server.server], ...options });
  clients.push(client);
  return client;
}

describe('DnsClient', () => {
  it('gives all A records with the smallest lifetime', async () => {
    server.setA('reviews.test', ['10.0.0.1', '10.0.0.2'], 17);
    const answer = await clientOf().query('Reviews.Test.', 'A');
    expect(answer).toMatchObject({
      kind: 'records',
      records: [{ address: '10.0.0.1' }, { address: '10.0.0.2' }],
      ttlSeconds: 17,
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives AAAA records', async () => {
    server.setAaaa('reviews.test', ['fd00::1']);
    expect(await clientOf().query('reviews.test', 'AAAA')).toMatchObject({ records: [{ address: 'fd00::1' }] });
  });

  it('gives SRV records with their lifetime and the addresses sent along', async () => {
    const name = '_http._tcp.reviews.shop.svc.cluster.local';
    server.setSrv(name, [{ target: 'Pod-1.reviews.test', port: 9080, priority: 1, weight: 50 }], 12);
    server.setAdditional(name, [{ name: 'pod-1.reviews.test', address: '10.0.0.1', ttl: 3 }]);
    expect(await clientOf().query(name, 'SRV')).toEqual({
      kind: 'records',
      records: [{ type: 'SRV', name, ttl: 12, target: 'pod-1.reviews.test', port: 9080, priority: 1, weight: 50 }],
      additional: [{ type: 'A', name: 'pod-1.reviews.test', address: '10.0.0.1', ttl: 3 }],
      ttlSeconds: 12,
    });
  });

  it('follows an alias inside the answer', async () => {
    server.setCname('www.test', 'v1.test', 4);
    server.setA('v1.test', ['10.0.0.1'], 60);
    expect(await clientOf().query('www.test', 'A')).toMatchObject({ records: [{ name: 'v1.test' }], ttlSeconds: 4 });
  });

  it('tells a name without such records from a name that is not there', async () => {
    server.setA('v4.test', ['10.0.0.1']);
    server.negativeTtl = 9;
    expect(await clientOf().query('v4.test', 'AAAA')).toEqual({ kind: 'noData', negativeTtl: 9 });
    expect(await clientOf().query('gone.test', 'A')).toEqual({ kind: 'nxdomain', negativeTtl: 9 });
  });

  it('asks an IPv6 server', async () => {
    const v6 = await FakeDnsServer.start('::1');
    v6.setA('reviews.test', ['10.0.0.1']);
    expect(await clientOf({ servers: [v6.server] }).query('reviews.test', 'A')).toMatchObject({ kind: 'records' });
    await v6.close();
  });

  it('falls to TCP when the answer does not fit', async () => {
    const addresses = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    server.setA('headless.test', addresses);
    const answer = await clientOf().query('headless.test', 'A');
    expect(answer.kind === 'records' && answer.records.length).toBe(500);
    expect(server.queries.map((query) => query.transport)).toEqual(['udp', 'tcp']);
  });

  it('takes up to 4096 bytes over UDP, and 512 without EDNS', async () => {
    server.setA(
      'headless.test',
      Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`),
    );
    await clientOf().query('headless.test', 'A');
    await clientOf({ ednsPayloadBytes: 0 }).query('headless.test', 'A');
    expect(server.queries.map((query) => query.transport)).toEqual(['udp', 'udp', 'tcp']);
  });

  it('asks again without EDNS when the server does not know it', async () => {
    server.setA('reviews.test', ['10.0.0.1']);
    server.setMode('reviews.test', 'noEdns');
    expect(await clientOf().query('reviews.test', 'A')).toMatchObject({ kind: 'records' });
    expect(server.queries).toHaveLength(2);
  });

  it.each([
    ['servfail', 'servfail'],
    ['refused', 'refused'],
    ['garbage', 'badPacket'],
    ['cutShort', 'badPacket'],
    ['truncatedGarbage', 'badPacket'],
  ] as const)('reports %s as %s without waiting, and does not ask that server again', async (mode, reason) => {
    server.setAaaa('reviews.test', ['fd00::1:2:3:4']);
    server.setMode('reviews.test', mode);
    expect(await clientOf().query('reviews.test', 'AAAA')).toEqual({ kind: 'failure', reason });
    expect(server.queries.filter((query) => query.transport === 'udp')).toHaveLength(1);
  });

  it.each(['servfail', 'refused', 'garbage', 'truncatedGarbage'] as const)(
    'goes to the second server after %s from the first',
    async (mode) => {
      server.setMode('*', mode);
      other.setA('reviews.test', ['10.0.0.1']);
      const client = clientOf({ servers: [server.server, other.server] });
      expect(await client.query('reviews.test', 'A')).toMatchObject({ kind: 'records' });
    },
  );

  it('does not ask the second server when the first says that there is no such name', async () => {
    await clientOf({ servers: [server.server, other.server] }).query('gone.test', 'A');
    expect(other.queries).toEqual([]);
  });

  it('knows one dead server after two times 300 ms', async () => {
    server.setMode('*', 'drop');
    const answer = clientOf().query('reviews.test', 'A');
    await clock.advanceAsync(599);
    expect(await Promise.race([answer, 'still waiting'])).toBe('still waiting');
    await clock.advanceAsync(1);
    expect(await answer).toEqual({ kind: 'failure', reason: 'timeout' });
  });

  it.each([2, 3, 5])('knows %d dead servers after 1.2 s', async (count) => {
    server.setMode('*', 'drop');
    const servers = Array.from({ length: count }, () => ({ ...server.server }));
    const answer = clientOf({ servers }).query('reviews.test', 'A');
    await clock.advanceAsync(1_199);
    expect(await Promise.race([answer, 'still waiting'])).toBe('still waiting');
    await clock.advanceAsync(1);
    expect(await answer).toEqual({ kind: 'failure', reason: 'timeout' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('asks the servers in turn, and takes an answer to an earlier try', async () => {
    server.setMode('*', 'drop');
    other.setMode('*', 'drop');
    const answer = clientOf({ servers: [server.server, other.server] }).query('reviews.test', 'A');
    await server.seen(1);
    expect(other.queries).toHaveLength(0);
    await clock.advanceAsync(300);
    await other.seen(1);
    await clock.advanceAsync(300);
    await server.seen(2);
    server.setMode('*', 'normal');
    other.setMode('*', 'normal');
    other.setA('reviews.test', ['10.0.0.1']);
    await clock.advanceAsync(300);
    expect(await answer).toMatchObject({ kind: 'records' });
  });

  it('takes a late answer of a slow server while it asks again', async () => {
    const slow = createSocket('udp4').bind(0, '127.0.0.1');
    await once(slow, 'listening');
    const { port } = slow.address() as AddressInfo;
    const answer = clientOf({ servers: [{ address: '127.0.0.1', port }] }).query('reviews.test', 'A');
    const [first, from] = await once(slow, 'message');
    await clock.advanceAsync(300);
    await once(slow, 'message');
    const nxdomain = Buffer.from(first);
    nxdomain.writeUInt16BE(0x8003, 2);
    slow.send(nxdomain, from.port, from.address);
    expect(await answer).toMatchObject({ kind: 'nxdomain' });
    slow.close();
  });

  it.each(['wrongId', 'wrongQuestion', 'wrongSource'] as const)(
    'goes on waiting for the right answer after one with %s',
    async (mode) => {
      server.setA('reviews.test', ['10.6.6.6']);
      server.setMode('reviews.test', mode);
      const answer = clientOf().query('reviews.test', 'A');
      await server.seen(1);
      server.setMode('reviews.test', 'normal');
      server.setA('reviews.test', ['10.0.0.1']);
      await clock.advanceAsync(300);
      expect(await answer).toMatchObject({ kind: 'records', records: [{ address: '10.0.0.1' }] });
      expect(server.queries).toHaveLength(2);
    },
  );

  it('hears at once that the port of a server is closed', async () => {
    const gone = await FakeDnsServer.start();
    await gone.close();
    expect(await clientOf({ servers: [gone.server] }).query('reviews.test', 'A')).toEqual({
      kind: 'failure',
      reason: 'network',
    });
    server.setA('reviews.test', ['10.0.0.1']);
    const client = clientOf({ servers: [gone.server, server.server] });
    expect(await client.query('reviews.test', 'A')).toMatchObject({ kind: 'records' });
  });

  it('hears at once that there is no way to a server', async () => {
    const client = clientOf({ servers: [{ address: '255.255.255.255', port: 53 }] });
    expect(await client.query('reviews.test', 'A')).toEqual({ kind: 'failure', reason: 'network' });
  });

  it('asks equal questions under way only once', async () => {
    server.setA('reviews.test', ['10.0.0.1']);
    const client = clientOf();
    await Promise.all(['reviews.test', 'Reviews.test', 'reviews.test.'].map((name) => client.query(name, 'A')));
    expect(server.queries).toHaveLength(1);
    await client.query('reviews.test', 'A');
    expect(server.queries).toHaveLength(2);
  });

  it('answers a thousand questions at once without losing one, and keeps equal ids apart', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `s${i}.test`);
    for (const [i, name] of names.entries()) server.setA(name, [`10.0.${i >> 8}.${i & 255}`]);
    const client = clientOf({ randomId: () => 65_000 });
    const answers = await Promise.all(names.map((name) => client.query(name, 'A')));
    const addresses = answers.map(
      (answer) => answer.kind === 'records' && 'address' in answer.records[0]! && answer.records[0].address,
    );
    expect(addresses).toEqual(names.map((_, i) => `10.0.${i >> 8}.${i & 255}`));
    expect(server.queries).toHaveLength(1000);
  });

  it('asks nothing for a name that DNS cannot carry', async () => {
    for (const name of ['', '.', 'a..b', `${'a'.repeat(64)}.test`]) {
      expect(await clientOf().query(name, 'A')).toEqual({ kind: 'failure', reason: 'invalidName' });
    }
    expect(server.queries).toEqual([]);
  });

  it('answers what is under way when it is closed, and leaves nothing open', async () => {
    const before = await openSockets();
    server.setMode('*', 'drop');
    const client = clientOf();
    const answer = client.query('reviews.test', 'A');
    await server.seen(1);
    client.close();
    expect(await answer).toEqual({ kind: 'failure', reason: 'closed' });
    expect(await client.query('reviews.test', 'A')).toEqual({ kind: 'failure', reason: 'closed' });
    expect(await openSockets()).toEqual(before);
    expect(clock.pendingTimers).toBe(0);
  });

  it('can be closed in the turn of the question', async () => {
    const before = await openSockets();
    const client = clientOf();
    const answer = client.query('reviews.test', 'A');
    client.close();
    expect(await answer).toEqual({ kind: 'failure', reason: 'closed' });
    expect(await openSockets()).toEqual(before);
    expect(server.queries).toEqual([]);
  });

  it('holds no socket between questions', async () => {
    const before = await openSockets();
    server.setA('reviews.test', ['10.0.0.1']);
    server.setMode('big.test', 'truncated');
    server.setA('big.test', ['10.0.0.2']);
    const client = clientOf();
    await Promise.all([client.query('reviews.test', 'A'), client.query('big.test', 'A')]);
    expect(await openSockets()).toEqual(before);
  });
});

/** A handle is freed in a later turn than that of `close`, and the far end of a connection later still. */
async function openSockets(): Promise<string[]> {
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  return process
    .getActiveResourcesInfo()
    .filter((name) => /UDP|TCP/i.test(name))
    .sort();
}
