import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/fixtures.js';
import {
  RouteConfigurationSchema as ConfigurationSchema,
  RouteActionSchema,
  type RouteConfigurationSchema,
  RoutingPriority,
} from '../messages.js';
import { decodeForward } from './decode-route-action.js';
import { decodeRouteConfiguration } from './decode-route-configuration.js';
import { FieldScope } from './field-scope.js';
import { noDefaults } from './route-defaults.js';

type ActionInit = Exclude<MessageInitShape<typeof RouteActionSchema>, { $typeName: string }>;

const toCluster = { clusterSpecifier: { case: 'cluster', value: 'c' } } as const;

const forward = (init: ActionInit) =>
  FieldScope.collect((at) => decodeForward(create(RouteActionSchema, { ...toCluster, ...init }), noDefaults, at));

const seconds = (value: number) => ({ seconds: BigInt(value) });

describe('the limits of a call', () => {
  it('are its idle time and its whole duration, beside its timeout', () => {
    const maxStreamDuration = { maxStreamDuration: seconds(20) };
    expect(forward({ idleTimeout: seconds(3), maxStreamDuration })).toMatchObject({
      value: { idleTimeoutMs: 3000, maxStreamDurationMs: 20_000, timeoutMs: 15_000 },
      warnings: [],
    });
    expect(forward({ maxStreamDuration: {} })).toMatchObject({ value: { maxStreamDurationMs: 0 } });
  });

  // gRFC A31: (max_stream_duration, grpc_timeout_header_max) -> of a gRPC call; 0 for none.
  it.each([
    [undefined, undefined, 0],
    [20, 0, 20_000],
    [20, 10, 10_000],
    [10, 20, 10_000],
    [undefined, 10, 10_000],
    [undefined, 0, 0],
  ])('are of gRPC: %s s and %s s for grpc-timeout make %d ms', (all, ofGrpc, expected) => {
    const maxStreamDuration = {
      ...(all !== undefined && { maxStreamDuration: seconds(all) }),
      ...(ofGrpc !== undefined && { grpcTimeoutHeaderMax: seconds(ofGrpc) }),
    };
    expect(forward({ maxStreamDuration })).toMatchObject({
      value: { maxStreamDurationMs: (all ?? 0) * 1000, grpcMaxStreamDurationMs: expected },
      warnings: [],
    });
  });

  it('warn of what is done with grpc-timeout elsewhere', () => {
    const maxStreamDuration = { grpcTimeoutHeaderOffset: seconds(1) };
    expect(forward({ maxStreamDuration, clusterNotFoundResponseCode: 1 })).toMatchObject({
      warnings: [
        { path: 'cluster_not_found_response_code' },
        { path: 'max_stream_duration.grpc_timeout_header_offset' },
      ],
    });
  });

  it('are those of its priority', () => {
    expect(forward({ priority: RoutingPriority.HIGH })).toMatchObject({ value: { priority: 'high' } });
    expect(problemsOf(forward({ priority: 7 as RoutingPriority }))).toEqual(['priority: 7 is unknown']);
  });
});

describe('rewrites', () => {
  const regex = { pattern: { regex: '^/a' }, substitution: '/b' };

  it('change the path by its prefix or by a regular expression', () => {
    expect(forward({ prefixRewrite: '/x' })).toMatchObject({ value: { pathRewrite: { kind: 'prefix', value: '/x' } } });
    const result = forward({ regexRewrite: regex });
    if (!result.ok || result.value.pathRewrite?.kind !== 'regex') throw new Error('should be a regex');
    expect(result.value.pathRewrite.rewrite.rewrite('/a/c')).toBe('/b/c');
    expect(problemsOf(forward({ prefixRewrite: '/x', regexRewrite: regex }))).toEqual([
      'regex_rewrite: stands beside prefix_rewrite: only one is taken',
    ]);
    expect(problemsOf(forward({ pathRewritePolicy: {} }))[0]).toContain('path_rewrite_policy: is not supported');
  });

  it.each<[NonNullable<ActionInit['hostRewriteSpecifier']>, object | undefined]>([
    [
      { case: 'hostRewriteLiteral', value: 'h' },
      { kind: 'literal', value: 'h' },
    ],
    [{ case: 'autoHostRewrite', value: { value: true } }, { kind: 'endpoint' }],
    [{ case: 'autoHostRewrite', value: { value: false } }, undefined],
    [
      { case: 'hostRewriteHeader', value: 'X-Host' },
      { kind: 'header', name: 'x-host' },
    ],
    [
      { case: 'hostRewritePathRegex', value: regex },
      { kind: 'pathRegex', rewrite: { source: '^/a' } },
    ],
  ])('change the authority: %j', (hostRewriteSpecifier, expected) => {
    const result = forward({ hostRewriteSpecifier });
    if (!result.ok) throw new Error(problemsOf(result).join());
    if (expected === undefined) expect(result.value.authorityRewrite).toBeUndefined();
    else expect(result.value.authorityRewrite).toMatchObject(expected);
  });

  it('change the authority for one target', () => {
    const clusters = [
      { name: 'a', weight: 1, hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: 'h' } as const },
    ];
    expect(forward({ clusterSpecifier: { case: 'weightedClusters', value: { clusters } } })).toMatchObject({
      value: { targets: [{ cluster: 'a', authorityRewrite: { kind: 'literal', value: 'h' } }] },
    });
  });
});

describe('mirrors', () => {
  it('get a share of the requests, all of them unless told otherwise', () => {
    const requestMirrorPolicies = [
      { cluster: 'a' },
      { cluster: 'b', runtimeFraction: { defaultValue: { numerator: 5 } }, disableShadowHostSuffixAppend: true },
    ];
    expect(forward({ requestMirrorPolicies })).toMatchObject({
      value: {
        mirrors: [
          { cluster: 'a', perMillion: 1_000_000, shadowSuffix: true },
          { cluster: 'b', perMillion: 50_000, shadowSuffix: false },
        ],
      },
      warnings: [],
    });
  });

  it('need a cluster that is known', () => {
    const requestMirrorPolicies = [{}, { clusterHeader: 'x' }, { cluster: 'a', traceSampled: true }];
    expect(problemsOf(forward({ requestMirrorPolicies }))).toEqual([
      'request_mirror_policies[0].cluster: must not be empty',
      expect.stringContaining('request_mirror_policies[1].cluster_header: is not supported'),
    ]);
  });

  it('of the most specific level replace the others', () => {
    const mirror = (cluster: string) => ({ requestMirrorPolicies: [{ cluster }] });
    const route = (value: ActionInit = {}) => ({
      match: { pathSpecifier: { case: 'prefix', value: '/' } as const },
      action: { case: 'route', value: { ...toCluster, ...value } } as const,
    });
    const init: MessageInitShape<typeof RouteConfigurationSchema> = {
      name: 'r',
      ...mirror('all'),
      virtualHosts: [
        { name: 'a', domains: ['a'], ...mirror('host'), routes: [route(mirror('own')), route()] },
        { name: 'b', domains: ['b'], routes: [route()] },
      ],
    };
    const result = decodeRouteConfiguration(create(ConfigurationSchema, init));
    if (!result.ok) throw new Error(problemsOf(result).join());
    const mirrors = result.value.virtualHosts.flatMap(({ routes }) =>
      routes.map(({ action }) => action.kind === 'forward' && action.mirrors.map(({ cluster }) => cluster).join()),
    );
    expect(mirrors).toEqual(['own', 'host', 'all']);
  });
});

describe('the hash of a call', () => {
  type Policy = NonNullable<ActionInit['hashPolicy']>[number];
  const hashOf = (...hashPolicy: Policy[]) => {
    const result = forward({ hashPolicy });
    return result.ok ? result.value.hash : problemsOf(result);
  };

  it('is made of headers, cookies, parameters and the address of the caller', () => {
    expect(
      hashOf(
        { policySpecifier: { case: 'header', value: { headerName: 'X-User' } }, terminal: true },
        { policySpecifier: { case: 'cookie', value: { name: 'S', ttl: seconds(5), path: '/p' } } },
        { policySpecifier: { case: 'cookie', value: { name: 'session', ttl: {} } } },
        { policySpecifier: { case: 'cookie', value: { name: 'read' } } },
        { policySpecifier: { case: 'queryParameter', value: { name: 'Q' } } },
        { policySpecifier: { case: 'connectionProperties', value: { sourceIp: true } } },
        { policySpecifier: { case: 'connectionProperties', value: {} } },
      ),
    ).toEqual([
      { kind: 'header', name: 'x-user', rewrite: undefined, terminal: true },
      { kind: 'cookie', name: 'S', ttlMs: 5000, path: '/p', terminal: false },
      { kind: 'cookie', name: 'session', ttlMs: 0, path: '', terminal: false },
      { kind: 'cookie', name: 'read', ttlMs: undefined, path: '', terminal: false },
      { kind: 'queryParameter', name: 'Q', terminal: false },
      { kind: 'sourceAddress', terminal: false },
    ]);
  });

  it('may be of a part of a header', () => {
    const value = { headerName: 'x', regexRewrite: { pattern: { regex: '-.*' }, substitution: '' } };
    const [policy] = hashOf({ policySpecifier: { case: 'header', value } });
    if (typeof policy !== 'object' || policy.kind !== 'header') throw new Error('should be a header');
    expect(policy.rewrite?.rewrite('ann-7')).toBe('ann');
  });

  it('is not made of what only filters of Envoy know', () => {
    const attributes = [{ name: 'SameSite', value: 'Strict' }];
    const result = forward({
      hashPolicy: [
        { policySpecifier: { case: 'filterState', value: { key: 'k' } } },
        { policySpecifier: { case: 'cookie', value: { name: 'c', attributes } } },
      ],
    });
    expect(result).toMatchObject({
      value: { hash: [{ kind: 'cookie' }] },
      warnings: [{ path: 'hash_policy[0].filter_state' }, { path: 'hash_policy[1].cookie.attributes' }],
    });
  });

  it('needs something to look at', () => {
    expect(hashOf({}, { policySpecifier: { case: 'header', value: {} } })).toEqual([
      expect.stringContaining('hash_policy[0].policy_specifier: is missing'),
      'hash_policy[1].header.header_name: must not be empty',
    ]);
    expect(hashOf({ policySpecifier: { case: 'cookie', value: {} } })).toEqual([
      'hash_policy[0].cookie.name: must not be empty',
    ]);
    expect(hashOf({ policySpecifier: { case: 'queryParameter', value: {} } })).toEqual([
      'hash_policy[0].query_parameter.name: must not be empty',
    ]);
  });
});
