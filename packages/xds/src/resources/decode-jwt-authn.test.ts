import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/fixtures.js';
import { chain, inboundListener, jwt, rbac } from '../../test/inbound-fixtures.js';
import { decodeListener } from './decode-listener.js';

const localJwks = { inlineString: '{"keys":[]}' };

function decode(config: JsonObject) {
  return decodeListener(inboundListener([chain([jwt(config)])]));
}

function authenticationOf(config: JsonObject) {
  const result = decode(config);
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  const filter = result.value.inbound?.chains[0]?.filters[0];
  return filter?.kind === 'jwt' ? filter.authentication : undefined;
}

const providerOf = (provider: JsonObject) =>
  authenticationOf({ providers: { p: { issuer: 'i', localJwks, ...provider } } })?.providers[0];

const prefix = 'filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.';
const problems = (config: JsonObject) =>
  problemsOf(decode(config))
    .map((text) => text.replace(prefix, ''))
    .join('; ');

describe('a provider of tokens', () => {
  it('has Envoy’s defaults', () => {
    expect(providerOf({})).toEqual({
      name: 'p',
      issuer: 'i',
      audiences: [],
      keys: { kind: 'inline', jwks: '{"keys":[]}' },
      places: [
        { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
        { kind: 'parameter', name: 'access_token' },
      ],
      forward: false,
      claimHeaders: [],
      payloadHeader: undefined,
      clockSkewSeconds: 60,
    });
  });

  it('says everything that it can', () => {
    const provider = authenticationOf({
      providers: {
        p: {
          issuer: 'i',
          remoteJwks: {
            httpUri: { uri: 'https://issuer/jwks', cluster: 'c', timeout: '2s' },
            cacheDuration: '1200s',
            asyncFetch: {},
          },
          audiences: ['a', 'b'],
          forward: true,
          fromHeaders: [{ name: 'X-Token', valuePrefix: 'Token ' }],
          fromParams: ['t'],
          fromCookies: ['c'],
          forwardPayloadHeader: 'X-Payload',
          clockSkewSeconds: 5,
          claimToHeaders: [{ headerName: 'X-Role', claimName: 'realm.role' }],
          payloadInMetadata: 'payload',
          normalizePayloadInMetadata: { spaceDelimitedClaims: ['scope'] },
        },
      },
    })?.providers[0];
    expect(provider).toEqual({
      name: 'p',
      issuer: 'i',
      audiences: ['a', 'b'],
      keys: { kind: 'remote', uri: 'https://issuer/jwks', timeoutMs: 2000, cacheMs: 1_200_000 },
      places: [
        { kind: 'header', name: 'x-token', prefix: 'Token ' },
        { kind: 'parameter', name: 't' },
        { kind: 'cookie', name: 'c' },
      ],
      forward: true,
      claimHeaders: [{ header: 'x-role', claim: ['realm', 'role'] }],
      payloadHeader: 'x-payload',
      clockSkewSeconds: 5,
      spaceDelimitedClaims: ['scope'],
    });
  });

  it.each<[JsonObject, string]>([
    [{ issuer: '' }, 'issuer: must not be empty'],
    [{ localJwks: { inlineString: 'x' } }, 'local_jwks: is no JSON Web Key Set'],
    [{ localJwks: { filename: '/etc/passwd' } }, 'local_jwks.filename: is not supported'],
    [{ payloadInMetadata: 'other' }, 'payload_in_metadata: should be "payload"'],
    [{ subjects: { exact: 'x' } }, 'subjects: is not supported'],
    [{ requireExpiration: true }, 'require_expiration: is not supported'],
    [{ maxLifetime: '1s' }, 'max_lifetime: is not supported'],
    [{ fromHeaders: [{ name: 'a b' }] }, 'from_headers[0].name: "a b" is no name of a header'],
    [{ fromParams: [''] }, 'from_params[0]: must not be empty'],
    [{ fromCookies: [''] }, 'from_cookies[0]: must not be empty'],
    [{ forwardPayloadHeader: ':path' }, 'forward_payload_header: ":path" is no name of a header'],
    [{ claimToHeaders: [{ headerName: 'x', claimName: 'a..b' }] }, 'claim_name: "a..b" names no claim'],
  ])('is refused: %j', (provider, expected) => {
    expect(problems({ providers: { p: { issuer: 'i', localJwks, ...provider } } })).toContain(expected);
  });

  it.each<[JsonObject, string]>([
    [{}, 'providers["p"]: has no keys'],
    [{ remoteJwks: {} }, 'remote_jwks.http_uri: is missing'],
    [
      { remoteJwks: { httpUri: { uri: 'file:///etc/passwd' } } },
      'http_uri.uri: "file:///etc/passwd" is no http or https URL',
    ],
    [{ remoteJwks: { httpUri: { uri: 'http://a', timeout: '0s' } } }, 'http_uri.timeout: must be more than zero'],
  ])('is refused with the keys %j', (keys, expected) => {
    expect(problems({ providers: { p: { issuer: 'i', ...keys } } })).toContain(expected);
  });
});

const providers = { a: { issuer: 'a', localJwks }, b: { issuer: 'b', localJwks } };
const a = { providerName: 'a' };
const b = { providerName: 'b' };
const allowMissing = { allowMissing: {} };
const anyOf = (...requirements: JsonValue[]) => ({ requiresAny: { requirements } });
const allOf = (...requirements: JsonValue[]) => ({ requiresAll: { requirements } });
const needs = (requires: JsonObject): JsonObject => ({ providers, rules: [{ match: { prefix: '/' }, requires }] });

describe('what requests need', () => {
  it.each<[string, JsonObject, object]>([
    ['a token of one provider', a, { providers: ['a'] }],
    ['a token of any of several', anyOf(a, b), { providers: ['a', 'b'] }],
    ['a good token, or none', anyOf(a, allowMissing), { providers: ['a'], allowMissing: true }],
    ['nothing', anyOf(a, { allowMissingOrFailed: {} }), { providers: ['a'], allowMissingOrFailed: true }],
    [
      'what istiod writes for several issuers',
      anyOf(a, b, allOf(anyOf(a, allowMissing), anyOf(b, allowMissing))),
      { providers: ['a', 'b'], allowMissing: true },
    ],
  ])('is %s', (_, requires, expected) => {
    expect(authenticationOf(needs(requires))?.rules).toEqual([
      {
        path: { kind: 'prefix', value: '/', ignoreCase: false },
        allowMissing: false,
        allowMissingOrFailed: false,
        ...expected,
      },
    ]);
  });

  it('is told by path, in order, by name too, and nothing where a rule asks for nothing', () => {
    const rules = authenticationOf({
      providers,
      requirementMap: { strict: a },
      rules: [{ match: { path: '/open' } }, { match: { prefix: '/' }, requirementName: 'strict' }],
    })?.rules;
    expect(rules).toMatchObject([
      { path: { kind: 'exact', value: '/open' }, providers: [], allowMissing: true },
      { path: { kind: 'prefix' }, providers: ['a'], allowMissing: false },
    ]);
  });

  it('may let preflights through', () => {
    const of = (more: JsonObject) => authenticationOf({ providers, rules: [], ...more })?.bypassCorsPreflight;
    expect([of({ bypassCorsPreflight: true }), of({})]).toEqual([true, undefined]);
  });

  it.each<[JsonObject, string]>([
    [needs({ providerName: 'c' }), 'provider_name: "c" is not in providers'],
    [needs({ providerName: 'constructor' }), 'provider_name: "constructor" is not in providers'],
    [needs({}), 'requires: asks for nothing'],
    [needs(anyOf()), 'requires_any.requirements: is empty'],
    [needs(allOf(a, b)), 'requires_all: is not supported'],
    [needs(anyOf(a, allOf(anyOf(a, allowMissing), anyOf(b, allowMissing)))), 'requires_all is not supported'],
    [needs(anyOf(a, allOf())), 'requires_all is not supported'],
    [needs({ providerAndAudiences: { providerName: 'a' } }), 'provider_and_audiences: is not supported'],
    [{ providers, rules: [{ requires: a }] }, 'rules[0].match: is missing'],
    [{ providers, rules: [{ match: { prefix: '/', headers: [{ name: 'x' }] }, requires: a }] }, 'only a path tells'],
    [{ providers, rules: [{ match: { prefix: '/' }, requirementName: 'x' }] }, '"x" is not in requirement_map'],
    [{ filterStateRules: { name: 'x' } }, 'filter_state_rules: is not supported'],
  ])('is refused: %j', (config, expected) => {
    expect(problems(config)).toContain(expected);
  });
});

describe('the claims of a token', () => {
  const claim = {
    metadata: {
      filter: 'envoy.filters.http.jwt_authn',
      path: [{ key: 'payload' }, { key: 'sub' }],
      value: { presentMatch: true },
    },
  };
  const asking = rbac({
    rules: { policies: { p: { permissions: [{ any: true }], principals: [{ andIds: { ids: [{ notId: claim }] } }] } } },
  });
  const of = (provider: JsonObject) =>
    decodeListener(
      inboundListener([chain([jwt({ providers: { p: { issuer: 'i', localJwks, ...provider } } }), asking])]),
    );

  it('are seen by policies only where Envoy shows them', () => {
    expect(of({ payloadInMetadata: 'payload' }).ok).toBe(true);
    expect(problemsOf(of({})).join('; ')).toContain('asks for claims that no policy sees');
  });
});
