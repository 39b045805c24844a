import { describe, expect, it } from 'vitest';
import { candidateNames, parseResolvConf, readResolvConf } from './resolv-conf.js';

describe('parseResolvConf', () => {
  it('reads what the kubelet writes into a pod', () => {
    const text = [
      'search shop.svc.cluster.local svc.cluster.local cluster.local',
      'nameserver 10.96.0.10',
      'options ndots:5',
      '',
    ].join('\n');
    expect(parseResolvConf(text)).toEqual({
      servers: [{ address: '10.96.0.10', port: 53 }],
      search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
      timeoutMs: undefined,
      attempts: undefined,
    });
  });

  it('takes a server on this machine, one dot and no search list from an empty text', () => {
    const conf = parseResolvConf('');
    expect(conf).toMatchObject({ servers: [{ address: '127.0.0.1', port: 53 }], search: [], ndots: 1 });
  });

  it('takes a file that is not there for an empty one', () => {
    expect(readResolvConf('/nonexistent/resolv.conf')).toEqual(parseResolvConf(''));
  });

  it('reads timeout, attempts and ndots, several options lines and limits them as libc does', () => {
    expect(parseResolvConf('options timeout:2 attempts:3 rotate\noptions ndots:2')).toMatchObject({
      timeoutMs: 2000,
      attempts: 3,
      ndots: 2,
    });
    expect(parseResolvConf('options timeout:99 attempts:99 ndots:99')).toMatchObject({
      timeoutMs: 30_000,
      attempts: 5,
      ndots: 15,
    });
  });

  it('lets the last of domain and search win', () => {
    expect(parseResolvConf('search a.test b.test\ndomain c.test').search).toEqual(['c.test']);
    expect(parseResolvConf('domain c.test\nsearch a.test. b.test').search).toEqual(['a.test', 'b.test']);
  });

  it('keeps three servers of either family and skips what is no address', () => {
    const text = 'nameserver dns.test\nnameserver ::1\nnameserver 1.1.1.1\nnameserver fe80::1%eth0\nnameserver 8.8.8.8';
    expect(parseResolvConf(text).servers.map((server) => server.address)).toEqual(['::1', '1.1.1.1', 'fe80::1%eth0']);
  });

  it('skips comments and nonsense', () => {
    const text = '# nameserver 1.1.1.1\n; search x\nnonsense\noptions ndots:x\nsearch a.test # b.test\nnameserver\n';
    expect(parseResolvConf(text)).toMatchObject({ servers: [{ address: '127.0.0.1' }], search: ['a.test'], ndots: 1 });
  });

  it('puts the port from the options to every server and freezes the result', () => {
    const conf = parseResolvConf('nameserver 1.1.1.1', { port: 5353 });
    expect(conf.servers).toEqual([{ address: '1.1.1.1', port: 5353 }]);
    expect([conf, conf.servers, conf.search, conf.servers[0]].every(Object.isFrozen)).toBe(true);
  });
});

describe('candidateNames', () => {
  const conf = { search: ['shop.svc.cluster.local', 'svc.cluster.local'], ndots: 2 };

  it.each([
    ['a trailing dot is absolute', 'reviews.', ['reviews']],
    [
      'few dots: the search list goes first',
      'reviews.shop',
      ['reviews.shop.shop.svc.cluster.local', 'reviews.shop.svc.cluster.local', 'reviews.shop'],
    ],
    [
      'enough dots: the name itself goes first',
      'a.b.c',
      ['a.b.c', 'a.b.c.shop.svc.cluster.local', 'a.b.c.svc.cluster.local'],
    ],
  ])('%s', (_rule, name, expected) => {
    expect(candidateNames(name, conf)).toEqual(expected);
  });

  it('tries the name alone without a search list, and once when the root is searched', () => {
    expect(candidateNames('reviews', { search: [], ndots: 5 })).toEqual(['reviews']);
    expect(candidateNames('reviews', { search: [''], ndots: 5 })).toEqual(['reviews']);
  });
});
