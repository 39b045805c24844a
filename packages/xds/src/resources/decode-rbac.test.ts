import { create, fromBinary, type JsonObject, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { InboundFilter } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import { problemsOf, routerFilter } from '../../test/fixtures.js';
import { chain, inboundListener, rbac, read } from '../../test/inbound-fixtures.js';
import { HttpFilterSchema, HttpRBACSchema, PolicySchema } from '../messages.js';
import { decodeListener } from './decode-listener.js';
import { FieldScope } from './field-scope.js';
import { decodeInboundFilters } from './inbound-http-filters.js';

const everyone = [{ any: true }];
const uriTemplate = 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';

function decode(config: JsonObject) {
  return decodeListener(inboundListener([chain([rbac(config)])]));
}

const onePolicy = (permission: JsonValue, principal: JsonValue): JsonObject => ({
  rules: { policies: { p: { permissions: [permission], principals: [principal] } } },
});

function filtersOf(result: ReturnType<typeof decodeListener>): readonly InboundFilter[] {
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return result.value.inbound?.chains[0]?.filters ?? [];
}

function policyOf(permission: JsonValue, principal: JsonValue) {
  const [filter] = filtersOf(decode(onePolicy(permission, principal)));
  return filter?.kind === 'rbac' ? filter.rules.policies[0] : undefined;
}

const permissionOf = (json: JsonValue) => policyOf(json, { any: true })?.permissions[0];
const principalOf = (json: JsonValue) => policyOf({ any: true }, json)?.principals[0];

const prefix = 'filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.';

const problems = (config: JsonObject) =>
  problemsOf(decode(config)).map((text) => text.replace(prefix, '').replace('rules.policies["p"].', ''));

const refusedPermission = (json: JsonValue) => problems(onePolicy(json, { any: true }));
const refusedPrincipal = (json: JsonValue) => problems(onePolicy({ any: true }, json));

describe('an RBAC filter', () => {
  it.each([
    ['ALLOW', 'allow'],
    ['DENY', 'deny'],
    ['LOG', 'log'],
  ])('with the action %s', (action, expected) => {
    const [filter] = filtersOf(decode({ rules: { action } }));
    expect(filter).toEqual({ kind: 'rbac', shadow: false, rules: { action: expected, policies: [] } });
  });

  it('without rules refuses nothing, and with none of ALLOW everything', () => {
    expect(filtersOf(decode({}))).toEqual([]);
    expect(filtersOf(decode({ rules: {} }))).toMatchObject([{ rules: { action: 'allow', policies: [] } }]);
  });

  it('has rules on trial beside those that count', () => {
    const filters = filtersOf(
      decode({ rules: {}, shadowRules: { action: 'DENY' }, shadowRulesStatPrefix: 'istio_dry_run_deny_' }),
    );
    expect(filters).toMatchObject([
      { kind: 'rbac', shadow: true, rules: { action: 'deny' } },
      { kind: 'rbac', shadow: false, rules: { action: 'allow' } },
    ]);
  });

  it('has several policies, each of permissions and principals', () => {
    const policy = { permissions: everyone, principals: everyone };
    const [filter] = filtersOf(decode({ rules: { policies: { a: policy, b: policy } } }));
    const any = [{ kind: 'any' }];
    expect(filter).toMatchObject({
      rules: {
        policies: [
          { name: 'a', permissions: any, principals: any },
          { name: 'b', permissions: any, principals: any },
        ],
      },
    });
  });
});

const exact = (value: string) => ({ kind: 'exact', value, ignoreCase: false });

describe('a permission', () => {
  it.each<[string, JsonValue, object]>([
    ['any', { any: true }, { kind: 'any' }],
    ['all', { andRules: { rules: everyone } }, { kind: 'all', permissions: [{ kind: 'any' }] }],
    ['one of', { orRules: { rules: everyone } }, { kind: 'oneOf', permissions: [{ kind: 'any' }] }],
    ['not', { notRule: { any: true } }, { kind: 'not', permission: { kind: 'any' } }],
    [
      'a header',
      { header: { name: ':Method', stringMatch: { exact: 'GET' } } },
      {
        kind: 'header',
        matcher: {
          name: ':method',
          test: { kind: 'string', matcher: exact('GET') },
          invert: false,
          treatMissingAsEmpty: false,
        },
      },
    ],
    ['a path', { urlPath: { path: { exact: '/a' } } }, { kind: 'path', matcher: exact('/a') }],
    [
      'a prefix of paths',
      { urlPath: { path: { prefix: '/a', ignoreCase: true } } },
      { kind: 'path', matcher: { kind: 'prefix', value: '/a', ignoreCase: true } },
    ],
    [
      'an address',
      { destinationIp: { addressPrefix: '10.0.0.0', prefixLen: 8 } },
      { kind: 'destinationIp', range: { address: '10.0.0.0', prefixLength: 8 } },
    ],
    ['a port', { destinationPort: 80 }, { kind: 'destinationPort', port: 80 }],
    ['ports', { destinationPortRange: { start: 80, end: 90 } }, { kind: 'destinationPortRange', start: 80, end: 90 }],
    ['a server name', { requestedServerName: { exact: 'a' } }, { kind: 'serverName', matcher: exact('a') }],
  ])('reads the permission %s', (_, json, expected) => {
    expect(permissionOf(json)).toEqual(expected);
  });

  it.each([
    [{ suffix: '.html' }, '/a.html', '/a.htm'],
    [{ suffix: '.html', ignoreCase: true }, '/A.HTML', '/html'],
    [{ contains: 'b' }, '/abc', '/ac'],
  ])('is the end or the middle of a path: %j', (path, matching, other) => {
    const permission = permissionOf({ urlPath: { path } });
    const regex =
      permission?.kind === 'path' && permission.matcher.kind === 'regex' ? permission.matcher.regex : undefined;
    expect([regex?.matches(matching), regex?.matches(other)]).toEqual([true, false]);
  });

  it.each([
    ['/a/*', '/a/b', true],
    ['/a/*', '/a/', false],
    ['/a/*', '/a/b/c', false],
    ['/a/**', '/a/b/c', true],
    ['/a/**', '/a/', true],
    ['/a/**', '/a', false],
    ['/**/c', '/a/b/c', true],
    ['/*/b', '/a/b', true],
    ['/a/{x}/c', '/a/b/c', true],
    ['/a/{x=**}', '/a/b/c', true],
    ['/a.b', '/a.b', true],
    ['/a.b', '/axb', false],
    ['/a/*', '/a/=', false],
    ['/a(b)+$', '/a(b)+$', true],
  ])('is a template of paths: %s and %s: %s', (pathTemplate, path, expected) => {
    const permission = permissionOf({
      uriTemplate: { name: 't', typedConfig: { '@type': uriTemplate, pathTemplate } },
    });
    if (permission?.kind !== 'pathTemplate') throw new Error(`is ${permission?.kind}`);
    expect([permission.template.template, permission.template.matches(path)]).toEqual([pathTemplate, expected]);
  });

  it.each(['', 'a', '/a*', '/**/*', '/**/**', '/{*}', '//a', '/{', `/${'a'.repeat(256)}`, '/é'])(
    'is refused with the template "%s"',
    (pathTemplate) => {
      const found = refusedPermission({
        uriTemplate: { name: 't', typedConfig: { '@type': uriTemplate, pathTemplate } },
      });
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(/^permissions\[0\]\.uri_template\.typed_config\.path_template: /);
    },
  );

  it.each<[JsonValue, string]>([
    [{}, 'permissions[0]: has no rule'],
    [{ any: false }, 'permissions[0].any: must be true'],
    [{ andRules: {} }, 'permissions[0].and_rules.rules: is empty'],
    [{ orRules: {} }, 'permissions[0].or_rules.rules: is empty'],
    [{ notRule: {} }, 'permissions[0].not_rule: has no rule'],
    [{ destinationPort: 65_536 }, 'permissions[0].destination_port: 65536 is more than 65535'],
    [{ destinationPortRange: { start: 2, end: 2 } }, 'permissions[0].destination_port_range: [2, 2) is no range'],
    [{ destinationIp: { addressPrefix: 'x' } }, 'permissions[0].destination_ip.address_prefix: "x" is not an IP'],
    [{ destinationIp: { addressPrefix: '::1' } }, 'permissions[0].destination_ip.prefix_len: is missing: 128'],
    [{ destinationIp: { addressPrefix: '1.1.1.1', prefixLen: 33 } }, 'prefix_len: 33 is more than 32'],
    [{ urlPath: {} }, 'permissions[0].url_path.path: is missing'],
    [{ urlPath: { path: {} } }, 'match_pattern: is missing'],
    [{ urlPath: { path: { prefix: '' } } }, 'permissions[0].url_path.path.prefix: must not be empty'],
    [{ urlPath: { path: { safeRegex: { regex: '(' } } } }, 'is not a valid RE2 expression'],
    [{ requestedServerName: { custom: { name: 'x' } } }, 'custom: is not supported'],
    [{ metadata: { filter: 'x' } }, 'permissions[0].metadata: is not supported'],
    [{ matcher: { name: 'x' } }, 'permissions[0].matcher: is not supported'],
    [{ uriTemplate: { name: 't' } }, 'permissions[0].uri_template.typed_config: is missing'],
    [{ header: { stringMatch: { exact: 'a' } } }, 'permissions[0].header.name: must not be empty'],
  ])('is refused: %j', (json, expected) => {
    expect(refusedPermission(json).join('; ')).toContain(expected);
  });
});

const claim = (value: JsonObject, more: JsonObject = {}): JsonValue => ({
  metadata: {
    filter: 'envoy.filters.http.jwt_authn',
    path: [{ key: 'payload' }, { key: 'realm' }, { key: 'role' }],
    value,
    ...more,
  },
});

describe('a principal', () => {
  const range = { addressPrefix: '10.0.0.0', prefixLen: 8 };
  const decodedRange = { address: '10.0.0.0', prefixLength: 8 };
  const spiffe = 'spiffe://cluster.local/ns/a/sa/b';

  it.each<[string, JsonValue, object]>([
    ['any', { any: true }, { kind: 'any' }],
    ['all', { andIds: { ids: everyone } }, { kind: 'all', principals: [{ kind: 'any' }] }],
    ['one of', { orIds: { ids: everyone } }, { kind: 'oneOf', principals: [{ kind: 'any' }] }],
    ['not', { notId: { any: true } }, { kind: 'not', principal: { kind: 'any' } }],
    ['whoever proves who it is', { authenticated: {} }, { kind: 'authenticated', matcher: undefined }],
    [
      'a workload',
      { authenticated: { principalName: { exact: spiffe } } },
      { kind: 'authenticated', matcher: exact(spiffe) },
    ],
    [
      'a workload, as newer istiods write it',
      { filterState: { key: 'io.istio.peer_principal', stringMatch: { exact: spiffe } } },
      { kind: 'authenticated', matcher: exact(spiffe) },
    ],
    ['an address of the connection', { directRemoteIp: range }, { kind: 'directRemoteIp', range: decodedRange }],
    ['the same by its old name', { sourceIp: range }, { kind: 'directRemoteIp', range: decodedRange }],
    ['an address of the client', { remoteIp: range }, { kind: 'remoteIp', range: decodedRange }],
    ['a path', { urlPath: { path: { exact: '/a' } } }, { kind: 'path', matcher: exact('/a') }],
    [
      'a header',
      { header: { name: 'x', presentMatch: true } },
      {
        kind: 'header',
        matcher: { name: 'x', test: { kind: 'present', present: true }, invert: false, treatMissingAsEmpty: false },
      },
    ],
  ])('reads the principal %s', (_, json, expected) => {
    expect(principalOf(json)).toEqual(expected);
  });

  it.each<[JsonObject, object]>([
    [{ presentMatch: true }, { kind: 'present' }],
    [{ stringMatch: { exact: 'a' } }, { kind: 'string', matcher: exact('a') }],
    [{ listMatch: { oneOf: { stringMatch: { exact: 'a' } } } }, { kind: 'listContains', matcher: exact('a') }],
    [
      {
        orMatch: {
          valueMatchers: [{ stringMatch: { exact: 'a' } }, { listMatch: { oneOf: { stringMatch: { exact: 'a' } } } }],
        },
      },
      {
        kind: 'any',
        matchers: [
          { kind: 'string', matcher: exact('a') },
          { kind: 'listContains', matcher: exact('a') },
        ],
      },
    ],
    [
      {
        listMatch: {
          oneOf: { orMatch: { valueMatchers: [{ stringMatch: { exact: 'a' } }, { stringMatch: { exact: 'b' } }] } },
        },
      },
      {
        kind: 'any',
        matchers: [
          { kind: 'listContains', matcher: exact('a') },
          { kind: 'listContains', matcher: exact('b') },
        ],
      },
    ],
  ])('is a claim of a token: %j', (value, expected) => {
    expect(principalOf(claim(value))).toEqual({
      kind: 'claim',
      matcher: { path: ['realm', 'role'], value: expected },
    });
  });

  it('is a claim that is not so', () => {
    expect(principalOf(claim({ presentMatch: true }, { invert: true }))).toMatchObject({
      kind: 'not',
      principal: { kind: 'claim' },
    });
  });

  it.each<[JsonValue, string]>([
    [{}, 'principals[0]: has no identifier'],
    [{ any: false }, 'principals[0].any: must be true'],
    [{ andIds: {} }, 'principals[0].and_ids.ids: is empty'],
    [{ orIds: {} }, 'principals[0].or_ids.ids: is empty'],
    [{ notId: {} }, 'principals[0].not_id: has no identifier'],
    [{ authenticated: { principalName: {} } }, 'principal_name.match_pattern: is missing'],
    [{ filterState: { key: 'x', stringMatch: { exact: 'a' } } }, 'filter_state.key: "x" is unknown'],
    [{ filterState: { key: 'io.istio.peer_principal' } }, 'filter_state.string_match: is missing'],
    [claim({ boolMatch: true }), 'bool_match: is not supported'],
    [claim({ doubleMatch: { exact: 1 } }), 'double_match: is not supported'],
    [claim({ nullMatch: {} }), 'null_match: is not supported'],
    [claim({ presentMatch: false }), 'present_match: must be true'],
    [claim({}), 'metadata.value.match_pattern: is missing'],
    [claim({ orMatch: {} }), 'or_match.value_matchers: is empty'],
    [claim({ listMatch: {} }), 'list_match.one_of: is missing'],
    [claim({ listMatch: { oneOf: { presentMatch: true } } }), 'should be a string_match'],
    [claim({ presentMatch: true }, { filter: 'other' }), 'only the claims of a token are known'],
    [claim({ presentMatch: true }, { path: [{ key: 'other' }] }), 'only the claims of a token are known'],
    [claim({ presentMatch: true }, { path: [{ key: 'payload' }, {}] }), 'path[1].key: must not be empty'],
  ])('is refused: %j', (json, expected) => {
    expect(refusedPrincipal(json).join('; ')).toContain(expected);
  });
});

describe('what is not understood of an authorization', () => {
  it.each<[JsonObject, string]>([
    [{ matcher: {} }, 'matcher: is not supported'],
    [{ shadowMatcher: {} }, 'shadow_matcher: is not supported'],
    [{ rules: { auditLoggingOptions: {} } }, 'rules.audit_logging_options: is not supported'],
    [{ rules: { policies: { p: { principals: everyone } } } }, 'permissions: is empty'],
    [{ rules: { policies: { p: { permissions: everyone } } } }, 'principals: is empty'],
    [
      {
        rules: {
          policies: { p: { permissions: everyone, principals: everyone, condition: { identExpr: { name: 'x' } } } },
        },
      },
      'condition: is not supported: CEL is not evaluated',
    ],
    [{ rules: { action: 7 } }, '7 is no value of envoy.config.rbac.v3.RBAC.Action'],
  ])('is refused: %j', (config, expected) => {
    expect(problems(config).join('; ')).toContain(expected);
  });

  it('is refused when it is a field newer than ours, at any depth', () => {
    const config = read(HttpRBACSchema, onePolicy({ andRules: { rules: everyone } }, { any: true }));
    const policy = config.rules?.policies.p;
    if (policy === undefined) throw new Error('no policy');
    const newer = new BinaryWriter().tag(500, WireType.LengthDelimited).string('a condition').finish();
    const withNewer = fromBinary(PolicySchema, Buffer.concat([toBinary(PolicySchema, policy), newer]));
    const message = create(HttpRBACSchema, { rules: { policies: { p: withNewer } } });
    const filter = create(HttpFilterSchema, {
      name: 'rbac',
      configType: { case: 'typedConfig', value: anyPack(HttpRBACSchema, message) },
    });
    const result = FieldScope.collect((at) =>
      decodeInboundFilters([filter, create(HttpFilterSchema, routerFilter)], at),
    );
    expect(problemsOf(result).join('; ')).toContain('field 500 of envoy.config.rbac.v3.Policy is unknown');
  });
});
