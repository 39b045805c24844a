import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { FractionalPercent_DenominatorType, RouteMatchSchema, RouteSchema } from '../messages.js';
import { decodeRoute } from './decode-route.js';
import { decodeRouteMatch } from './decode-route-match.js';
import { FieldScope } from './field-scope.js';
import { noDefaults } from './route-defaults.js';

type MatchInit = MessageInitShape<typeof RouteMatchSchema>;
type RouteInit = MessageInitShape<typeof RouteSchema>;

const root = { case: 'prefix', value: '/' } as const;

const match = (init: MatchInit) =>
  FieldScope.collect((at) => decodeRouteMatch(create(RouteMatchSchema, { pathSpecifier: root, ...init }), at));

const action = (init: RouteInit['action']) =>
  FieldScope.collect((at) =>
    decodeRoute(create(RouteSchema, { match: { pathSpecifier: root }, action: init }), noDefaults, at),
  );

const forward = (value: Extract<RouteInit['action'], { case: 'route' }>['value']) => action({ case: 'route', value });

const toCluster = { clusterSpecifier: { case: 'cluster', value: 'c' } } as const;

describe('the path of a match', () => {
  it.each([
    ['prefix', { kind: 'prefix', value: '/a', ignoreCase: false }],
    ['path', { kind: 'exact', value: '/a', ignoreCase: false }],
    ['pathSeparatedPrefix', { kind: 'pathSeparatedPrefix', value: '/a', ignoreCase: false }],
  ] as const)('is a %s', (kind, path) => {
    expect(match({ pathSpecifier: { case: kind, value: '/a' } })).toMatchObject({ ok: true, value: { path } });
  });

  it('ignores case when it is told so', () => {
    expect(match({ caseSensitive: false })).toMatchObject({ value: { path: { ignoreCase: true } } });
  });

  it.each(['/', '/a/', '/a?b', '/a#b', ''])('is no path separated prefix as "%s"', (value) => {
    const result = match({ pathSpecifier: { case: 'pathSeparatedPrefix', value } });
    expect(result).toMatchObject({ ok: false, errors: [{ path: 'path_separated_prefix' }] });
  });

  it('is a regular expression for the whole path', () => {
    const result = match({ pathSpecifier: { case: 'safeRegex', value: { regex: '/v[0-9]+' } } });
    if (!result.ok || result.value.path.kind !== 'regex') throw new Error('should be a regex');
    const { regex } = result.value.path;
    expect([regex.source, regex.matches('/v12'), regex.matches('/v12/x')]).toEqual(['/v[0-9]+', true, false]);
  });

  it('names the field of an invalid regular expression', () => {
    const result = match({ pathSpecifier: { case: 'safeRegex', value: { regex: '(' } } });
    expect(result).toMatchObject({ errors: [{ path: 'safe_regex.regex', message: expect.stringContaining('RE2') }] });
  });
});

describe('a match', () => {
  it('takes a share of the requests', () => {
    const { HUNDRED, TEN_THOUSAND, MILLION } = FractionalPercent_DenominatorType;
    const share = (numerator: number, denominator: number) => {
      const result = match({ runtimeFraction: { defaultValue: { numerator, denominator } } });
      return result.ok ? result.value.fractionPerMillion : result.errors[0]?.path;
    };
    expect([share(5, HUNDRED), share(5, TEN_THOUSAND), share(5, MILLION), share(101, HUNDRED), share(1, 7)]).toEqual([
      50_000,
      500,
      5,
      1_000_000,
      'runtime_fraction.default_value.denominator',
    ]);
    expect(match({ runtimeFraction: {} })).toMatchObject({ errors: [{ path: 'runtime_fraction.default_value' }] });
  });

  it('looks at query parameters', () => {
    const exact = { matchPattern: { case: 'exact', value: '1' } } as const;
    const result = match({
      queryParameters: [
        { name: 'a', queryParameterMatchSpecifier: { case: 'stringMatch', value: exact } },
        { name: 'b', queryParameterMatchSpecifier: { case: 'presentMatch', value: true } },
        { name: 'c' },
      ],
    });
    expect(result).toMatchObject({
      value: {
        query: [
          { name: 'a', matcher: { kind: 'exact', value: '1' } },
          { name: 'b' },
          { name: 'c', matcher: undefined },
        ],
      },
    });
  });

  it('refuses what it could not tell apart', () => {
    const absent = { name: 'a', queryParameterMatchSpecifier: { case: 'presentMatch', value: false } } as const;
    const result = match({ grpc: {}, tlsContext: {}, dynamicMetadata: [{}], queryParameters: [absent, {}] });
    expect(result).toMatchObject({
      errors: [
        { path: 'grpc' },
        { path: 'tls_context' },
        { path: 'dynamic_metadata' },
        { path: 'query_parameters[0].present_match' },
        { path: 'query_parameters[1].name' },
      ],
    });
  });
});

describe('the headers of a match', () => {
  const header = (init: NonNullable<MatchInit['headers']>[number]) => {
    const result = match({ headers: [{ name: 'X-A', ...init }] });
    return result.ok ? result.value.headers[0] : result.errors;
  };

  it.each([
    ['exactMatch', 'exact'],
    ['prefixMatch', 'prefix'],
    ['suffixMatch', 'suffix'],
    ['containsMatch', 'contains'],
  ] as const)('take the deprecated %s', (field, kind) => {
    expect(header({ headerMatchSpecifier: { case: field, value: 'v' } })).toEqual({
      name: 'x-a',
      test: { kind: 'string', matcher: { kind, value: 'v', ignoreCase: false } },
      invert: false,
      treatMissingAsEmpty: false,
    });
  });

  it('take a string match, inverted, with missing ones as empty', () => {
    const value = { matchPattern: { case: 'contains', value: 'V' }, ignoreCase: true } as const;
    const init = {
      headerMatchSpecifier: { case: 'stringMatch', value },
      invertMatch: true,
      treatMissingHeaderAsEmpty: true,
    } as const;
    expect(header(init)).toMatchObject({
      test: { matcher: { kind: 'contains', value: 'V', ignoreCase: true } },
      invert: true,
      treatMissingAsEmpty: true,
    });
  });

  it('take ranges, presence, and presence for want of anything else', () => {
    const range = { start: -5n, end: 10n };
    expect(header({ headerMatchSpecifier: { case: 'rangeMatch', value: range } })).toMatchObject({
      test: { kind: 'range', start: -5, end: 10 },
    });
    expect(header({ headerMatchSpecifier: { case: 'presentMatch', value: false } })).toMatchObject({
      test: { kind: 'present', present: false },
    });
    expect(header({})).toMatchObject({ test: { kind: 'present', present: true } });
  });

  it('name the field that is wrong', () => {
    const pathOf = (init: NonNullable<MatchInit['headers']>[number]) => {
      const found = header(init);
      return Array.isArray(found) ? found.map(({ path }: { path: string }) => path) : [];
    };
    expect(pathOf({ name: '' })).toEqual(['headers[0].name']);
    expect(pathOf({ headerMatchSpecifier: { case: 'prefixMatch', value: '' } })).toEqual(['headers[0].prefix_match']);
    expect(pathOf({ headerMatchSpecifier: { case: 'safeRegexMatch', value: { regex: '[' } } })).toEqual([
      'headers[0].safe_regex_match.regex',
    ]);
    expect(pathOf({ headerMatchSpecifier: { case: 'stringMatch', value: {} } })).toEqual([
      'headers[0].string_match.match_pattern',
    ]);
  });
});

describe('a route that forwards', () => {
  it('has its own timeout, and none with zero', () => {
    expect(forward({ ...toCluster, timeout: { seconds: 1n, nanos: 500_000_000 } })).toMatchObject({
      value: { action: { timeoutMs: 1500 } },
    });
    expect(forward({ ...toCluster, timeout: {} })).toMatchObject({ value: { action: { timeoutMs: 0 } } });
  });

  it.each([
    ['negative', { seconds: -1n }],
    ['negative', { nanos: -1 }],
    ['not a valid duration', { nanos: 1_000_000_000 }],
    ['not a valid duration', { seconds: 2n ** 62n }],
  ])('refuses a timeout that is %s', (message, timeout) => {
    const result = forward({ ...toCluster, timeout });
    expect(result).toMatchObject({ errors: [{ path: 'route.timeout', message: expect.stringContaining(message) }] });
  });

  const weighted = (...weights: (number | undefined)[]) =>
    forward({
      clusterSpecifier: {
        case: 'weightedClusters',
        value: {
          clusters: weights.map((weight, index) =>
            weight === undefined ? { name: `c${index}` } : { name: `c${index}`, weight },
          ),
        },
      },
    });

  it('splits by weight and drops entries of weight zero', () => {
    expect(weighted(30, 0, undefined, 70)).toMatchObject({
      value: {
        action: {
          targets: [
            { cluster: 'c0', weight: 30 },
            { cluster: 'c3', weight: 70 },
          ],
          totalWeight: 100,
        },
      },
    });
  });

  it('refuses weights that sum to zero or to more than 32 bits', () => {
    const path = 'route.weighted_clusters.clusters';
    expect(weighted()).toMatchObject({ errors: [{ path }] });
    expect(weighted(0)).toMatchObject({ errors: [{ path }] });
    expect(weighted(0xffff_ffff, 1)).toMatchObject({ errors: [{ path }] });
    expect(weighted(0xffff_fffe, 1).ok).toBe(true);
  });

  it('refuses other ways to choose a cluster', () => {
    expect(forward({ clusterSpecifier: { case: 'clusterHeader', value: 'x' } })).toMatchObject({
      errors: [{ path: 'route.cluster_header' }],
    });
    expect(forward({ clusterSpecifier: { case: 'cluster', value: '' } })).toMatchObject({
      errors: [{ path: 'route.cluster' }],
    });
    expect(forward({})).toMatchObject({ errors: [{ path: 'route.cluster_specifier' }] });
  });

  it('warns of what it ignores', () => {
    const result = forward({ ...toCluster, appendXForwardedHost: true, metadataMatch: {}, maxGrpcTimeout: {} });
    expect(result).toMatchObject({
      ok: true,
      warnings: [{ path: 'route.metadata_match' }, { path: 'route.append_x_forwarded_host' }],
    });
  });
});

describe('a route that answers', () => {
  it('has a status and an inline body', () => {
    const body = { specifier: { case: 'inlineBytes', value: Buffer.from('no') } } as const;
    expect(action({ case: 'directResponse', value: { status: 503, body } })).toMatchObject({
      value: { action: { kind: 'directResponse', httpStatus: 503, body: 'no' } },
    });
    expect(action({ case: 'directResponse', value: { status: 200 } })).toMatchObject({
      value: { action: { body: '' } },
    });
  });

  it('refuses a status that is none, and a body out of a file', () => {
    const body = { specifier: { case: 'filename', value: '/etc/passwd' } } as const;
    expect(action({ case: 'directResponse', value: { status: 99, body } })).toMatchObject({
      errors: [{ path: 'direct_response.status' }, { path: 'direct_response.body.filename' }],
    });
  });
});

describe('other routes', () => {
  it.each([
    ['filterAction', 'filter_action'],
    ['nonForwardingAction', 'non_forwarding_action'],
  ] as const)('are refused: %s', (kind, path) => {
    expect(action({ case: kind, value: {} })).toMatchObject({ errors: [{ path }] });
  });

  it('are refused without an action or a match', () => {
    const result = FieldScope.collect((at) => decodeRoute(create(RouteSchema), noDefaults, at));
    expect(result).toMatchObject({ errors: [{ path: 'match' }, { path: 'action' }] });
  });
});
