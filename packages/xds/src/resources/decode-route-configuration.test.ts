import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { problemsOf, routeMessage } from '../../test/fixtures.js';
import { RouteConfigurationSchema, VirtualHost_TlsRequirementType } from '../messages.js';
import { decodeRouteConfiguration } from './decode-route-configuration.js';

type Hosts = MessageInitShape<typeof RouteConfigurationSchema>['virtualHosts'];

const decode = (virtualHosts: Hosts) =>
  decodeRouteConfiguration(create(RouteConfigurationSchema, { name: 'r', virtualHosts }));

const route = (retryPolicy?: { retryOn: string; numRetries?: number }) =>
  ({
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: {
      case: 'route',
      value: { clusterSpecifier: { case: 'cluster', value: 'c' }, ...(retryPolicy && { retryPolicy }) },
    },
  }) as const;

describe('a route configuration', () => {
  it('is read whole, with domains in lower case and Envoy’s default timeout', () => {
    const message = routeMessage('r', 'reviews');
    message.virtualHosts[0]!.domains = ['Reviews.Default:9080', '*.example.com'];
    expect(decodeRouteConfiguration(message)).toEqual({
      ok: true,
      warnings: [],
      value: {
        name: 'r',
        virtualHosts: [
          {
            name: 'all',
            domains: ['reviews.default:9080', '*.example.com'],
            routes: [
              {
                name: '',
                match: {
                  path: { kind: 'prefix', value: '/', ignoreCase: false },
                  headers: [],
                  query: [],
                  fractionPerMillion: undefined,
                },
                action: {
                  kind: 'forward',
                  targets: [{ cluster: 'reviews', weight: 1 }],
                  totalWeight: 1,
                  timeoutMs: 15_000,
                  idleTimeoutMs: 0,
                  maxStreamDurationMs: 0,
                  grpcMaxStreamDurationMs: 0,
                  retry: undefined,
                  priority: 'default',
                  pathRewrite: undefined,
                  authorityRewrite: undefined,
                  mirrors: [],
                  hash: [],
                },
                requestHeaders: [],
                responseHeaders: [],
                fault: undefined,
                cors: undefined,
                rateLimits: [],
              },
            ],
          },
        ],
      },
    });
  });

  it('is frozen to its leaves', () => {
    const result = decodeRouteConfiguration(routeMessage('r', 'c'));
    if (!result.ok) throw new Error('should be valid');
    expect(Object.isFrozen(result.value.virtualHosts[0]?.routes[0]?.action)).toBe(true);
  });

  it('needs a name', () => {
    expect(problemsOf(decodeRouteConfiguration(create(RouteConfigurationSchema)))).toEqual(['name: must not be empty']);
  });

  it('refuses a domain that another virtual host has, whatever its case', () => {
    const result = decode([
      { name: 'a', domains: ['x.com'] },
      { name: 'b', domains: ['y.com', 'X.com'] },
    ]);
    expect(problemsOf(result)).toEqual(['virtual_hosts[1].domains[1]: "x.com" is taken by virtual host "a" already']);
  });

  it.each(['', 'a*b', '*a*', 'a.*.b'])('refuses the domain "%s"', (domain) => {
    expect(problemsOf(decode([{ name: 'a', domains: [domain] }]))[0]).toMatch(
      /^virtual_hosts\[0\]\.domains\[0\]: .* is not a/,
    );
  });

  it.each(['*', '*.a.com', '*-b.a.com', 'a.*', 'a'])('takes the domain "%s"', (domain) => {
    expect(decode([{ name: 'a', domains: [domain] }]).ok).toBe(true);
  });

  it('refuses a virtual host without domains, with a matcher tree or with forced TLS', () => {
    const result = decode([{ name: 'a', matcher: {}, requireTls: VirtualHost_TlsRequirementType.ALL }]);
    expect(problemsOf(result).map((problem) => problem.split(': ')[0])).toEqual([
      'virtual_hosts[0].domains',
      'virtual_hosts[0].matcher',
      'virtual_hosts[0].require_tls',
    ]);
  });

  it('collects the errors of all virtual hosts', () => {
    const bad = { match: { pathSpecifier: { case: undefined } }, action: { case: 'filterAction', value: {} } } as const;
    const result = decode([
      { name: 'a', domains: ['a'], routes: [route(), bad] },
      { name: 'b', domains: ['b'], routes: [bad] },
    ]);
    expect(problemsOf(result).map((problem) => problem.split(': ')[0])).toEqual([
      'virtual_hosts[0].routes[1].filter_action',
      'virtual_hosts[0].routes[1].match.path_specifier',
      'virtual_hosts[1].routes[0].filter_action',
      'virtual_hosts[1].routes[0].match.path_specifier',
    ]);
  });

  it('lets routes without a retry policy have that of the virtual host, and lets them switch it off', () => {
    const retryPolicy = { retryOn: '5xx', numRetries: 4 };
    const off = route({ retryOn: '5xx', numRetries: 0 });
    const result = decode([
      { name: 'a', domains: ['a'], retryPolicy, routes: [route(), off, route({ retryOn: 'reset' })] },
    ]);
    if (!result.ok) throw new Error('should be valid');
    const actions = result.value.virtualHosts[0]!.routes.map(({ action }) => action);
    expect(actions).toMatchObject([{ retry: { attempts: 4 } }, { retry: undefined }, { retry: { attempts: 1 } }]);
  });

  it('warns of what it ignores', () => {
    const result = decode([{ name: 'a', domains: ['a'], hedgePolicy: {}, includeAttemptCountInResponse: true }]);
    expect(result).toMatchObject({
      ok: true,
      warnings: [
        { path: 'virtual_hosts[0].include_attempt_count_in_response' },
        { path: 'virtual_hosts[0].hedge_policy' },
      ],
    });
  });
});
