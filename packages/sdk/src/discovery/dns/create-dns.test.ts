import { setImmediate as nextTurn } from 'node:timers/promises';
import { MeshError } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeDnsServer } from '../../../test/support/fake-dns-server.js';
import { createDns, type Dns, type DnsOptions } from './create-dns.js';
import type { DnsEndpoint } from './dns-endpoints.js';
import type { DnsWatcher } from './dns-watcher.js';
import { emptyHostsFile } from './hosts-file.js';

let server: FakeDnsServer;
let clock: FakeClock;
let opened: Dns[];

beforeEach(async () => {
  server = await FakeDnsServer.start();
  clock = new FakeClock();
  opened = [];
});

afterEach(async () => {
  for (const dns of opened) dns.close();
  await server.close();
});

function dnsOf(options: Partial<DnsOptions> = {}): Dns {
  const servers = [`${server.server.address}:${server.server.port}`];
  const search = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
  const dns = createDns({ clock, random: () => 0, servers, search, ndots: 5, hosts: emptyHostsFile, ...options });
  opened.push(dns);
  return dns;
}

/** The changes of a target, each to be awaited. */
function changesOf(watcher: DnsWatcher, target: Parameters<DnsWatcher['watch']>[0]) {
  const told: string[][] = [];
  let wake = () => {};
  watcher.watch(target, (endpoints: readonly DnsEndpoint[]) => {
    told.push(endpoints.map((endpoint) => endpoint.address));
    wake();
  });
  return async (count: number) => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return told[count - 1];
  };
}

describe('DNS discovery', () => {
  const headless = 'reviews.shop.svc.cluster.local';

  it('finds the pods of a headless service and those that come later', async () => {
    server.setA(headless, ['10.0.0.1', '10.0.0.2'], 5);
    const change = changesOf(dnsOf().watcher, { hostname: 'reviews', port: 9080 });
    expect(await change(1)).toEqual(['10.0.0.1:9080', '10.0.0.2:9080']);
    server.setA(headless, ['10.0.0.1', '10.0.0.3'], 5);
    await clock.advanceAsync(5_000);
    expect(await change(2)).toEqual(['10.0.0.1:9080', '10.0.0.3:9080']);
  });

  it('finds the named port of a service by its SRV records', async () => {
    const srv = `_http._tcp.${headless}`;
    server.setSrv(srv, [
      { target: `a.${headless}`, port: 9080 },
      { target: `b.${headless}`, port: 9081 },
    ]);
    server.setA(`a.${headless}`, ['10.0.0.1']);
    server.setAaaa(`b.${headless}`, ['fd00::2']);
    const change = changesOf(dnsOf().watcher, { hostname: headless, port: 80, srv });
    expect(await change(1)).toEqual(['10.0.0.1:9080', '[fd00::2]:9081']);
  });

  it('reports a dead resolver within 1.5 s of a cold start, also with a search list and three servers', async () => {
    server.setMode('*', 'drop');
    const address = `${server.server.address}:${server.server.port}`;
    const dns = dnsOf({ servers: [address, address, address] });
    const first = dns.watcher.firstResult({ hostname: 'reviews', port: 80 });
    await clock.advanceAsync(1_500);
    expect(await Promise.race([first, 'still waiting'])).toEqual({ kind: 'failed', reason: 'timeout' });
  });

  it.each([
    ['servfail', 'servfail'],
    ['nxdomain', 'notFound'],
    ['empty', 'notFound'],
    ['garbage', 'badPacket'],
  ] as const)('keeps the last good endpoints through %s', async (mode, reason) => {
    server.setA(headless, ['10.0.0.1'], 5);
    const dns = dnsOf({ search: [] });
    const target = { hostname: headless, port: 80 };
    const subscription = dns.watcher.watch(target, () => {});
    await dns.watcher.firstResult(target);
    server.setMode('*', mode);
    await clock.advanceAsync(5_000);
    while (subscription.state.kind === 'resolved') await nextTurn();
    expect(subscription.state).toMatchObject({ kind: 'stale', reason, endpoints: [{ host: '10.0.0.1' }] });
  });

  it('keeps the last good endpoints through time-outs', async () => {
    server.setA(headless, ['10.0.0.1'], 5);
    const dns = dnsOf();
    const target = { hostname: headless, port: 80 };
    const subscription = dns.watcher.watch(target, () => {});
    await dns.watcher.firstResult(target);
    server.setMode('*', 'drop');
    await clock.advanceAsync(7_000);
    expect(subscription.state).toMatchObject({ kind: 'stale', reason: 'timeout', endpoints: [{ host: '10.0.0.1' }] });
  });

  it('leaves no timer behind when it is closed', async () => {
    server.setA(headless, ['10.0.0.1'], 5);
    const dns = dnsOf();
    await changesOf(dns.watcher, { hostname: 'reviews', port: 80 })(1);
    dns.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(['dns.test', '1.1.1.1:x', '1.1.1.1:0', '1.1.1.1:70000', '[::1', ''])('refuses %j as a server', (text) => {
    expect(() => dnsOf({ servers: [text] })).toThrow(MeshError);
  });

  it('takes servers with and without a port, of both families, and the settings of the machine by default', () => {
    dnsOf({ servers: ['1.1.1.1', '1.1.1.1:5353', '::1', '[::1]:5353', '[::1]'] });
    opened.push(createDns({ clock, random: () => 0 }));
  });
});
