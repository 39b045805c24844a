import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import type { Route } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import {
  FilterConfigSchema,
  LocalRateLimitSchema,
  type RateLimit_ActionSchema,
  RouteConfigurationSchema,
  type RouteSchema,
  type VirtualHostSchema,
} from '../messages.js';
import { decodeRouteConfiguration } from './decode-route-configuration.js';

const all = { defaultValue: { numerator: 100 } };
const bucket = { maxTokens: 10, tokensPerFill: 5, fillInterval: { seconds: 1n, nanos: 500_000_000 } };
const decodedBucket = { maxTokens: 10, tokensPerFill: 5, fillIntervalMs: 1500 };
const limited = { tokenBucket: bucket, filterEnabled: all, filterEnforced: all };
const byTier = [{ entries: [{ key: 'tier', value: 'gold' }], tokenBucket: bucket }];
const key = 'envoy.filters.http.local_ratelimit';

type Limit = MessageInitShape<typeof LocalRateLimitSchema>;
type Action = NonNullable<MessageInitShape<typeof RouteSchema>['action']>;
type RouteAction = Extract<Action, { case: 'route' }>['value'];

function pack<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Any {
  return anyPack(schema, create(schema, init) as MessageShape<Desc>);
}

const any = (init: Limit): Any => pack(LocalRateLimitSchema, init);

const optional = (config: Any, disabled = false) => pack(FilterConfigSchema, { config, isOptional: true, disabled });

function decode(
  configs: Record<string, Any>,
  routeAction: Partial<RouteAction> = {},
  host: MessageInitShape<typeof VirtualHostSchema> = {},
) {
  const routes = [1, 2].map(() => ({
    match: { pathSpecifier: { case: 'prefix', value: '/' } as const },
    action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: 'c' }, ...routeAction } } as Action,
    typedPerFilterConfig: configs,
  }));
  const virtualHosts = [{ name: 'h', domains: ['*'], routes, ...host }];
  return decodeRouteConfiguration(create(RouteConfigurationSchema, { name: 'r', virtualHosts }));
}

function limitsOf(...args: Parameters<typeof decode>): Route['rateLimits'] {
  return routesOf(...args)[0]!.rateLimits;
}

function routesOf(...args: Parameters<typeof decode>): readonly Route[] {
  const result = decode(...args);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.value.virtualHosts[0]!.routes;
}

describe('a local rate limit of a route', () => {
  it('counts where the call is made, in a bucket of its own', () => {
    expect(limitsOf({ [key]: any({ statPrefix: 'x', ...limited }) })).toEqual([
      {
        name: '',
        side: 'outbound',
        scope: 'process',
        bucket: decodedBucket,
        descriptors: [],
        actions: [],
        alwaysConsumeDefault: true,
        httpStatus: 429,
        grpcStatus: 14,
        responseHeaders: [],
        enabledPerMillion: 1_000_000,
        enforcedPerMillion: 1_000_000,
      },
    ]);
  });

  it('has status, headers and shares', () => {
    const limit = any({
      ...limited,
      status: { code: 503 },
      rateLimitedAsResourceExhausted: true,
      alwaysConsumeDefaultTokenBucket: false,
      responseHeadersToAdd: [{ header: { key: 'X-Limit', value: 'all' } }],
      filterEnabled: { defaultValue: { numerator: 50 } },
      filterEnforced: { defaultValue: { numerator: 25 } },
    });
    expect(limitsOf({ [key]: limit })).toMatchObject([
      {
        httpStatus: 503,
        grpcStatus: 8,
        alwaysConsumeDefault: false,
        responseHeaders: ['x-limit', 'all'],
        enabledPerMillion: 500_000,
        enforcedPerMillion: 250_000,
      },
    ]);
  });

  it('answers 429 where its status is no error', () => {
    expect(limitsOf({ [key]: any({ ...limited, status: { code: 200 } }) })).toMatchObject([{ httpStatus: 429 }]);
  });

  it('has side, scope and name by its key', () => {
    const configs = {
      'inmesh.rate_limit.outbound.process.b': optional(any(limited)),
      'inmesh.rate_limit.inbound.mesh.* 500/1s': optional(any(limited)),
    };
    expect(limitsOf(configs)).toMatchObject([
      { name: '* 500/1s', side: 'inbound', scope: 'mesh' },
      { name: 'b', side: 'outbound', scope: 'process' },
    ]);
  });

  it('has no default bucket where that has the largest number of tokens', () => {
    const tokenBucket = { ...bucket, maxTokens: 0xffff_ffff };
    expect(limitsOf({ [key]: any({ ...limited, tokenBucket }) })).toMatchObject([{ bucket: undefined }]);
  });

  it('counts nothing unless it is enabled, and is not there when it is switched off', () => {
    expect(limitsOf({ [key]: any({ tokenBucket: bucket }) })).toEqual([]);
    expect(limitsOf({ [key]: optional(any(limited), true) })).toEqual([]);
    expect(decode({ [key]: any({ tokenBucket: bucket, filterEnforced: all }) })).toMatchObject({
      warnings: [{ path: expect.stringContaining('filter_enabled') }, expect.anything()],
    });
  });

  it.each<[string, Limit]>([
    ['token_bucket', { filterEnabled: all, filterEnforced: all }],
    ['token_bucket.max_tokens', { ...limited, tokenBucket: { ...bucket, maxTokens: 0 } }],
    ['token_bucket.tokens_per_fill', { ...limited, tokenBucket: { ...bucket, tokensPerFill: 0 } }],
    ['token_bucket.fill_interval', { ...limited, tokenBucket: { maxTokens: 1 } }],
    ['descriptors[0].token_bucket', { ...limited, descriptors: [{ entries: [{ key: 'a', value: 'b' }] }] }],
  ])('is refused for its %s', (path, limit) => {
    const result = decode({ [key]: any(limit) });
    if (result.ok) throw new Error('should be refused');
    expect(result.errors[0]!.path).toBe(`virtual_hosts[0].routes[0].typed_per_filter_config["${key}"].${path}`);
  });

  it('is refused when its bytes are malformed', () => {
    const broken = { ...any(limited), value: new Uint8Array([255, 255]) };
    expect(decode({ [key]: broken })).toMatchObject({ ok: false });
  });
});

const tier = {
  actionSpecifier: { case: 'requestHeaders', value: { headerName: 'X-Tier', descriptorKey: 'tier' } },
} as const;
const here = { actionSpecifier: { case: 'remoteAddress', value: {} } } as const;
const decodedTier = { kind: 'requestHeader', name: 'x-tier', key: 'tier', skipIfAbsent: false };

describe('the descriptors of a local rate limit', () => {
  const withDescriptors = { [key]: any({ ...limited, descriptors: byTier }) };

  it('are made by the actions of the route', () => {
    const actions: MessageInitShape<typeof RateLimit_ActionSchema>[] = [
      tier,
      here,
      { actionSpecifier: { case: 'genericKey', value: { descriptorValue: 'v' } } },
      { actionSpecifier: { case: 'sourceCluster', value: {} } },
      { actionSpecifier: { case: 'destinationCluster', value: {} } },
      {
        actionSpecifier: { case: 'headerValueMatch', value: { descriptorValue: 'w', headers: [{ name: 'a' }] } },
      },
    ];
    const [limit] = limitsOf(withDescriptors, { rateLimits: [{ actions }] });
    expect(limit?.descriptors).toEqual([{ entries: [{ key: 'tier', value: 'gold' }], bucket: decodedBucket }]);
    expect(limit?.actions).toMatchObject([
      [
        decodedTier,
        { kind: 'remoteAddress' },
        { kind: 'genericKey', key: 'generic_key', value: 'v' },
        { kind: 'sourceCluster' },
        { kind: 'destinationCluster' },
        { kind: 'headerValueMatch', key: 'header_match', value: 'w', expect: true, headers: [{ name: 'a' }] },
      ],
    ]);
  });

  it('are made by the actions of its stage alone', () => {
    const rateLimits = [{ actions: [tier] }, { stage: 3, actions: [here] }];
    expect(limitsOf(withDescriptors, { rateLimits })[0]?.actions).toEqual([[decodedTier]]);
  });

  it('need every action: with one that is not known there is none', () => {
    const unknown = { actionSpecifier: { case: 'maskedRemoteAddress', value: {} } } as const;
    const rateLimits = [{ actions: [tier, unknown] }];
    expect(limitsOf(withDescriptors, { rateLimits })[0]?.actions).toEqual([]);
    expect(decode(withDescriptors, { rateLimits })).toMatchObject({
      warnings: expect.arrayContaining([
        expect.objectContaining({ path: expect.stringContaining('masked_remote_address') }),
      ]),
    });
  });

  it('come from the virtual host where the route has none, or where it asks for both', () => {
    const host = { rateLimits: [{ actions: [here] }] };
    const rateLimits = [{ actions: [tier] }];
    const kinds = (...args: Parameters<typeof decode>) => limitsOf(...args)[0]?.actions.map(([first]) => first?.kind);
    expect(kinds(withDescriptors, {}, host)).toEqual(['remoteAddress']);
    expect(kinds(withDescriptors, { rateLimits }, host)).toEqual(['requestHeader']);
    expect(kinds(withDescriptors, { rateLimits, includeVhRateLimits: true }, host)).toEqual([
      'requestHeader',
      'remoteAddress',
    ]);
  });

  it('are told of where no local limit asks for them, since there is no rate limit service', () => {
    const result = decode({}, { rateLimits: [{ actions: [tier] }] });
    expect(result).toMatchObject({
      ok: true,
      warnings: [
        {
          path: 'virtual_hosts[0].routes[0].route.rate_limits',
          message: expect.stringContaining('no rate limit service'),
        },
        expect.anything(),
      ],
    });
  });
});

describe('a local rate limit of a virtual host', () => {
  it('is one limit for all routes that add nothing', () => {
    const [first, second] = routesOf({}, {}, { typedPerFilterConfig: { [key]: any(limited) } });
    expect(first!.rateLimits).toHaveLength(1);
    expect(second!.rateLimits[0]).toBe(first!.rateLimits[0]);
  });

  it('gives way to that of the route', () => {
    const own = any({ ...limited, status: { code: 503 } });
    const host = { typedPerFilterConfig: { [key]: any(limited) } };
    expect(limitsOf({ [key]: own }, {}, host)).toMatchObject([{ httpStatus: 503 }]);
    expect(limitsOf({ [key]: optional(own, true) }, {}, host)).toEqual([]);
  });
});
