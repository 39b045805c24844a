import { describe, expect, it, vi } from 'vitest';
import { HostResolver, splitAuthority } from './host-resolver.js';
import type { Listener } from './model/listener.js';
import { RouteTable } from './router/route-table.js';
import { testRouteConfiguration } from './testing/index.js';

const everyHost = new RouteTable(testRouteConfiguration([{ domains: ['*'] }]));

function resolver(names: readonly string[], searchDomains: readonly string[] = [], table = everyHost): HostResolver {
  const listeners = names.map((name): [string, Listener] => [name, { name, routes: 'routes' }]);
  return new HostResolver(new Map(listeners), new Map([['routes', table]]), searchDomains);
}

const searchDomains = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
const reviews = 'reviews.default.svc.cluster.local:9080';

describe('HostResolver', () => {
  it('finds the listener that is named', () => {
    const answer = resolver([reviews]).resolve('http', reviews);
    expect(answer?.listener.name).toBe(reviews);
    expect(answer?.name).toBe(reviews);
    expect(answer?.virtualHost?.virtualHost.name).toBe('*');
  });

  it.each(['reviews', 'reviews.default', 'reviews.default.svc', 'reviews.default.svc.cluster.local'])(
    'completes %s by the search domains',
    (host) => {
      expect(resolver([reviews], searchDomains).resolve('http', `${host}:9080`)?.name).toBe(reviews);
    },
  );

  it('takes the name itself before any completion, and the first domain before the next', () => {
    const names = ['reviews:80', 'reviews.default.svc.cluster.local:80', 'details.a:80', 'details.b:80'];
    const hosts = resolver(names, [...searchDomains, 'a', 'b']);
    expect(hosts.resolve('http', 'reviews')?.name).toBe('reviews:80');
    expect(hosts.resolve('http', 'details')?.name).toBe('details.a:80');
  });

  it('reaches the only port of a host when the URL has none', () => {
    expect(resolver([reviews], searchDomains).resolve('http', 'reviews')?.name).toBe(reviews);
  });

  it('takes the port of the scheme when a host has several', () => {
    const hosts = resolver(['a:80', 'a:443', 'a:9080', 'b:81', 'b:82']);
    expect(hosts.resolve('http', 'a')?.name).toBe('a:80');
    expect(hosts.resolve('https', 'a')?.name).toBe('a:443');
    expect(hosts.resolve('http', 'b')).toBeUndefined();
  });

  it('does not take another port than the one that is asked for', () => {
    expect(resolver([reviews], searchDomains).resolve('http', 'reviews:9999')).toBeUndefined();
  });

  it('falls back to wildcard listeners, from the longest suffix to the star', () => {
    const hosts = resolver(['*:80', '*.com:80', '*.example.com:80', 'www.example.com:80']);
    const listener = (host: string) => hosts.resolve('http', host)?.listener.name;
    expect(listener('www.example.com')).toBe('www.example.com:80');
    expect(listener('api.example.com')).toBe('*.example.com:80');
    expect(listener('v1.api.example.com')).toBe('*.example.com:80');
    expect(listener('example.com')).toBe('*.com:80');
    expect(listener('localhost')).toBe('*:80');
  });

  it('leaves all other hosts and ports to the lone star, but not what was made for a host', () => {
    const listeners = new Map<string, Listener>(
      ['a:80', '*.com:80', '*'].map((name) => [name, { name, routes: 'routes' }]),
    );
    listeners.set('b:80', { name: 'b:80', routes: 'routes', passthrough: true });
    const hosts = new HostResolver(listeners, new Map([['routes', everyHost]]), []);
    const found = (scheme: 'http' | 'https', authority: string) => {
      const answer = hosts.resolve(scheme, authority);
      return [answer?.listener.name, answer?.name];
    };
    expect(found('http', 'a')).toEqual(['a:80', 'a:80']);
    expect(found('http', 'x.com')).toEqual(['*.com:80', 'x.com:80']);
    expect(found('http', 'a:81')).toEqual(['*', 'a:81']);
    expect(found('http', 'b')).toEqual(['*', 'b:80']);
    expect(found('https', 'b')).toEqual(['*', 'b:443']);
  });

  it('names the host that was dialled, not the wildcard, and finds its virtual host', () => {
    const table = new RouteTable(testRouteConfiguration([{ domains: ['api.example.com'] }, { domains: ['*'] }]));
    const answer = resolver(['*.example.com:80'], [], table).resolve('http', 'api.example.com');
    expect(answer?.name).toBe('api.example.com:80');
    expect(answer?.virtualHost?.virtualHost.name).toBe('api.example.com');
  });

  it('has an answer without a virtual host when the routes do not know the host', () => {
    const table = new RouteTable(testRouteConfiguration([{ domains: ['other'] }]));
    const answer = resolver([reviews], [], table).resolve('http', reviews);
    expect(answer?.listener.name).toBe(reviews);
    expect(answer?.virtualHost).toBeUndefined();
  });

  it('reads the routes that a listener carries itself by their name', () => {
    const configuration = testRouteConfiguration([{ domains: ['*'] }], 'inline');
    const listeners = new Map([['a:80', { name: 'a:80', routes: configuration }]]);
    const hosts = new HostResolver(listeners, new Map([['inline', new RouteTable(configuration)]]), []);
    expect(hosts.resolve('http', 'a')?.virtualHost).toBeDefined();
  });

  it('knows nothing of other hosts', () => {
    expect(resolver([reviews], searchDomains).resolve('http', 'ratings')).toBeUndefined();
  });
});

describe('HostResolver, remembering', () => {
  const table = new RouteTable(testRouteConfiguration([{ domains: ['*'] }]));
  const search = vi.spyOn(table, 'findVirtualHost');

  it('answers again without searching, for each scheme on its own', () => {
    search.mockClear();
    const hosts = resolver(['a:80', 'a:443'], [], table);
    expect(hosts.resolve('http', 'a')).toBe(hosts.resolve('http', 'a'));
    expect(hosts.resolve('https', 'a')).not.toBe(hosts.resolve('http', 'a'));
    expect(search).toHaveBeenCalledTimes(2);
  });

  it('forgets rather than grows when callers make hosts up', () => {
    const hosts = resolver(['*:80'], [], table);
    const flood = (from: number, count: number) => {
      for (let i = from; i < from + count; i += 1) hosts.resolve('http', `host-${i}`);
    };
    flood(0, 10);
    search.mockClear();
    flood(0, 10);
    expect(search).not.toHaveBeenCalled();
    flood(10, 3000);
    search.mockClear();
    flood(0, 1);
    expect(search).toHaveBeenCalledTimes(1);
  });

  it('remembers that a host is unknown', () => {
    const listeners = new Map<string, Listener>();
    const lookUp = vi.spyOn(listeners, 'get');
    const hosts = new HostResolver(listeners, new Map(), []);
    expect(hosts.resolve('http', 'a')).toBeUndefined();
    const lookUps = lookUp.mock.calls.length;
    expect(hosts.resolve('http', 'a')).toBeUndefined();
    expect(lookUp.mock.calls.length).toBe(lookUps);
  });
});

describe('splitAuthority', () => {
  it.each([
    ['host', 'host', ''],
    ['host:80', 'host', '80'],
    ['host.:80', 'host', '80'],
    ['host.', 'host', ''],
    ['[::1]', '[::1]', ''],
    ['[::1]:80', '[::1]', '80'],
    ['127.0.0.1:80', '127.0.0.1', '80'],
    ['*:80', '*', '80'],
    ['host:', 'host', ''],
  ])('splits %s', (authority, host, port) => {
    expect(splitAuthority(authority)).toEqual({ host, port });
  });
});

describe('a listener made for a host beyond the configuration', () => {
  it('gives way as soon as the configuration names the host, by whatever name', () => {
    const passthrough: Listener = { name: 'other:80', routes: 'dns', passthrough: true };
    const configured: Listener = { name: 'other.default.svc.cluster.local:80', routes: 'other' };
    const search = ['default.svc.cluster.local'];
    const before = new HostResolver(new Map([[passthrough.name, passthrough]]), new Map(), search);
    expect(before.resolve('http', 'other')?.listener).toBe(passthrough);
    const both = new Map([passthrough, configured].map((listener) => [listener.name, listener]));
    expect(new HostResolver(both, new Map(), search).resolve('http', 'other')?.listener).toBe(configured);
  });
});
