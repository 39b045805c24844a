import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Route } from '../model/route.js';
import { seededRandom, testCall, testRoute, testRouteConfiguration } from '../testing/index.js';
import { RouteTable, VirtualHostTable } from './route-table.js';

const random = seededRandom(1);

function prefixRoute(value: string, name = value): Route {
  return testRoute({ name, match: { path: { kind: 'prefix', value, ignoreCase: false } } });
}

function routeName(routes: readonly Route[], path: string): string | undefined {
  const table = new VirtualHostTable({ name: 'v', domains: ['*'], routes });
  return table.match(testCall({ path }), random)?.name;
}

describe('RouteTable', () => {
  it('finds the virtual host of a host and then the route of a call', () => {
    const table = new RouteTable(
      testRouteConfiguration([
        { domains: ['reviews', 'reviews:9080'], routes: [prefixRoute('/a'), prefixRoute('/')] },
        { domains: ['*'], routes: [prefixRoute('/', 'default')] },
      ]),
    );
    const reviews = table.findVirtualHost('reviews', 'reviews:9080');
    expect(reviews?.virtualHost.name).toBe('reviews');
    expect(reviews?.match(testCall({ path: '/ab' }), random)?.name).toBe('/a');
    expect(reviews?.match(testCall({ path: '/b' }), random)?.name).toBe('/');
    expect(table.findVirtualHost('ratings', 'ratings:80')?.match(testCall(), random)?.name).toBe('default');
  });

  it('gives all domains of a virtual host one table', () => {
    const table = new RouteTable(testRouteConfiguration([{ domains: ['a', '*.b'] }]));
    expect(table.findVirtualHost('a', 'a:80')).toBe(table.findVirtualHost('x.b', 'x.b:80'));
  });

  it('finds nothing where no domain fits', () => {
    const table = new RouteTable(testRouteConfiguration([{ domains: ['a'] }]));
    expect(table.findVirtualHost('b', 'b:80')).toBeUndefined();
  });
});

describe('VirtualHostTable', () => {
  it('takes the first route that matches, even if a later one is longer', () => {
    expect(routeName([prefixRoute('/a'), prefixRoute('/ab')], '/abc')).toBe('/a');
    expect(routeName([prefixRoute('/'), prefixRoute('/ab')], '/abc')).toBe('/');
  });

  it('finds nothing where no route matches', () => {
    expect(routeName([prefixRoute('/a')], '/b')).toBeUndefined();
    expect(routeName([], '/b')).toBeUndefined();
  });

  it('takes the first of all routes that match, for any routes', () => {
    const path = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 4 }).map((rest) => `/${rest}`);
    fc.assert(
      fc.property(fc.array(path), path, (prefixes, called) => {
        const first = prefixes.findIndex((prefix) => called.startsWith(prefix));
        const routes = prefixes.map((prefix, index) => prefixRoute(prefix, String(index)));
        expect(routeName(routes, called)).toBe(first < 0 ? undefined : String(first));
      }),
    );
  });
});
