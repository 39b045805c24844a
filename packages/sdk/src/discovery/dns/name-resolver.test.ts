import { FakeClock } from '@inmesh/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeDnsServer } from '../../../test/support/fake-dns-server.js';
import { DnsClient } from './dns-client.js';
import { parseHostsFile } from './hosts-file.js';
import { NameResolver } from './name-resolver.js';

const search = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
const hosts = parseHostsFile('10.9.9.9 db\nfd00::9 db');

let server: FakeDnsServer;
let client: DnsClient;
let resolver: NameResolver;

beforeEach(async () => {
  server = await FakeDnsServer.start();
  client = new DnsClient({ clock: new FakeClock(), servers: [server.server] });
  resolver = new NameResolver({ client, conf: { search, ndots: 5 }, hosts });
});

afterEach(async () => {
  client.close();
  await server.close();
});

/** Each candidate is asked for both families; the order of names is what counts. */
const namesAsked = () => [...new Set(server.queries.map((query) => query.name))];

describe('resolveName', () => {
  it('joins the addresses of both families, sorted and each once', async () => {
    server.setA('reviews.shop.svc.cluster.local', ['10.0.0.2', '10.0.0.1', '10.0.0.2'], 30);
    server.setAaaa('reviews.shop.svc.cluster.local', ['fd00::1'], 7);
    expect(await resolver.resolveName('reviews')).toEqual({
      kind: 'addresses',
      addresses: ['10.0.0.1', '10.0.0.2', 'fd00::1'],
      ttlSeconds: 7,
      partial: false,
    });
  });

  it('walks the search list first for a name with few dots, and stops at the first that is there', async () => {
    server.setA('reviews.prod.svc.cluster.local', ['10.0.0.1']);
    server.setA('reviews.prod', ['10.6.6.6']);
    expect(await resolver.resolveName('reviews.prod')).toMatchObject({ addresses: ['10.0.0.1'] });
    expect(namesAsked()).toEqual(['reviews.prod.shop.svc.cluster.local', 'reviews.prod.svc.cluster.local']);
  });

  it('asks for the name itself last', async () => {
    server.setA('api.example.com', ['10.0.0.1']);
    expect(await resolver.resolveName('api.example.com')).toMatchObject({ addresses: ['10.0.0.1'] });
    expect(namesAsked()).toEqual([...search.map((domain) => `api.example.com.${domain}`), 'api.example.com']);
  });

  it('asks for the name itself first when it has enough dots, and only for it after a trailing dot', async () => {
    await resolver.resolveName('a.b.c.d.e.f');
    await resolver.resolveName('reviews.');
    const searched = search.map((domain) => `a.b.c.d.e.f.${domain}`);
    expect(namesAsked()).toEqual(['a.b.c.d.e.f', ...searched, 'reviews']);
  });

  it('says that there is none after the whole list, with the shortest time to believe it', async () => {
    server.negativeTtl = 3;
    expect(await resolver.resolveName('gone')).toEqual({ kind: 'notFound', ttlSeconds: 3 });
    expect(namesAsked()).toHaveLength(4);
  });

  it('goes no further than a candidate that fails, lest it find another service of that name', async () => {
    server.setMode('reviews.shop.svc.cluster.local', 'servfail');
    server.setA('reviews.svc.cluster.local', ['10.6.6.6']);
    expect(await resolver.resolveName('reviews')).toEqual({ kind: 'failure', reason: 'servfail' });
    expect(namesAsked()).toEqual(['reviews.shop.svc.cluster.local']);
  });

  it.each([
    ['AAAA', ['10.0.0.1']],
    ['A', ['fd00::1']],
  ] as const)('gives what there is when only %s fails', async (failing, addresses) => {
    server.setA('reviews.test', ['10.0.0.1']);
    server.setAaaa('reviews.test', ['fd00::1']);
    server.setMode('reviews.test', 'servfail', failing);
    expect(await resolver.resolveName('reviews.test.')).toMatchObject({ kind: 'addresses', addresses, partial: true });
  });

  it('believes «no such name» of one family when the other fails, but not «no data»', async () => {
    server.setMode('gone.test', 'servfail', 'AAAA');
    expect(await resolver.resolveName('gone.test.')).toMatchObject({ kind: 'notFound' });
    server.setMode('half.test', 'servfail', 'AAAA');
    server.setMode('half.test', 'empty', 'A');
    expect(await resolver.resolveName('half.test.')).toEqual({ kind: 'failure', reason: 'servfail' });
  });

  it('asks no server for literals, localhost and the hosts file', async () => {
    const resolutions = await Promise.all(
      ['10.1.1.1', '[::1]', 'localhost', 'db'].map((name) => resolver.resolveName(name)),
    );
    expect(resolutions.map((resolution) => resolution.kind === 'addresses' && resolution.addresses)).toEqual([
      ['10.1.1.1'],
      ['::1'],
      ['127.0.0.1', '::1'],
      ['10.9.9.9', 'fd00::9'],
    ]);
    expect(server.queries).toEqual([]);
  });
});

describe('resolveService', () => {
  const name = '_http._tcp.reviews.shop.svc.cluster.local';

  it('takes addresses that came along and asks for the others, the lowest priority number first', async () => {
    server.setSrv(
      name,
      [
        { target: 'backup.test', port: 9081, priority: 10, weight: 1 },
        { target: 'pod-1.test', port: 9080, priority: 0, weight: 50 },
        { target: 'pod-2.test', port: 9080, priority: 0, weight: 50 },
      ],
      30,
    );
    server.setAdditional(name, [{ name: 'pod-1.test', address: '10.0.0.1', ttl: 20 }]);
    server.setA('pod-2.test', ['10.0.0.2'], 8);
    server.setAaaa('backup.test', ['fd00::b'], 9);
    expect(await resolver.resolveService(name)).toEqual({
      kind: 'targets',
      targets: [
        { host: '10.0.0.1', port: 9080, priority: 0, weight: 50 },
        { host: '10.0.0.2', port: 9080, priority: 0, weight: 50 },
        { host: 'fd00::b', port: 9081, priority: 10, weight: 1 },
      ],
      ttlSeconds: 8,
      partial: false,
    });
    expect(server.countOf('pod-1.test')).toBe(0);
  });

  it('applies the search list', async () => {
    server.setSrv(name, [{ target: 'pod-1.test', port: 9080 }]);
    server.setA('pod-1.test', ['10.0.0.1']);
    expect(await resolver.resolveService('_http._tcp.reviews')).toMatchObject({ targets: [{ host: '10.0.0.1' }] });
  });

  it('leaves out the target that says «not here», and port 0', async () => {
    server.setSrv(name, [
      { target: '.', port: 80 },
      { target: 'pod-1.test', port: 0 },
    ]);
    expect(await resolver.resolveService(name)).toEqual({ kind: 'notFound', ttlSeconds: 5 });
  });

  it('gives the targets that do resolve and says that some are missing', async () => {
    server.setSrv(name, [
      { target: 'pod-1.test', port: 80 },
      { target: 'pod-2.test', port: 80 },
    ]);
    server.setA('pod-1.test', ['10.0.0.1']);
    server.setMode('pod-2.test', 'servfail');
    expect(await resolver.resolveService(name)).toMatchObject({ targets: [{ host: '10.0.0.1' }], partial: true });
    server.setMode('pod-1.test', 'servfail');
    expect(await resolver.resolveService(name)).toEqual({ kind: 'failure', reason: 'servfail' });
  });

  it('says that there is none when no target has an address', async () => {
    server.setSrv(name, [{ target: 'gone.test', port: 80 }]);
    server.negativeTtl = 2;
    expect(await resolver.resolveService(name)).toEqual({ kind: 'notFound', ttlSeconds: 2 });
  });

  it('passes a failure on', async () => {
    server.setMode(name, 'refused');
    expect(await resolver.resolveService(name)).toEqual({ kind: 'failure', reason: 'refused' });
  });
});
