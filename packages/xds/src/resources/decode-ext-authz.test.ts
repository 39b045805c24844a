import type { JsonObject } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/fixtures.js';
import { chain, extAuthz, inboundListener, rbac } from '../../test/inbound-fixtures.js';
import { decodeListener } from './decode-listener.js';

const grpcService = { envoyGrpc: { clusterName: 'outbound|9000||authz.ns', authority: 'authz.ns' } };
const serverUri = { uri: 'http://authz.ns', cluster: 'outbound|8000||authz.ns', timeout: '10s' };

const decode = (...filters: JsonObject[]) => decodeListener(inboundListener([chain(filters)]));

function filtersOf(...filters: JsonObject[]) {
  const result = decode(...filters);
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return result.value.inbound?.chains[0]?.filters ?? [];
}

function authorizationOf(config: JsonObject) {
  const [filter] = filtersOf(extAuthz(config));
  return filter?.kind === 'externalAuthorization' ? filter.authorization : undefined;
}

const literal = (kind: string, value: string) => ({ kind, value, ignoreCase: false });

describe('an authorization service', () => {
  it('is asked by gRPC, is told every header, and fails closed by default', () => {
    expect(authorizationOf({ grpcService })).toEqual({
      name: 'envoy.filters.http.ext_authz',
      service: { kind: 'grpc', cluster: 'outbound|9000||authz.ns' },
      timeoutMs: 200,
      failOpen: false,
      statusOnError: 403,
      includedRequestHeaders: [literal('prefix', '')],
      headersToUpstreamOnAllow: [],
      headersToDownstreamOnDeny: [],
      headersToDownstreamOnAllow: [],
      when: undefined,
    });
  });

  it('is asked by HTTP, as istiod writes it', () => {
    const authorization = authorizationOf({
      failureModeAllow: true,
      statusOnError: { code: 'ServiceUnavailable' },
      transportApiVersion: 'V3',
      httpService: {
        serverUri,
        pathPrefix: '/check',
        authorizationRequest: { allowedHeaders: { patterns: [{ exact: 'X-Custom-Id' }, { prefix: 'x-' }] } },
        authorizationResponse: {
          allowedUpstreamHeaders: { patterns: [{ exact: 'Authorization' }] },
          allowedClientHeaders: { patterns: [{ exact: 'set-cookie' }] },
          allowedClientHeadersOnSuccess: { patterns: [{ suffix: '-Seen' }] },
        },
      },
    });
    expect(authorization).toEqual({
      name: 'envoy.filters.http.ext_authz',
      service: { kind: 'http', cluster: 'outbound|8000||authz.ns', pathPrefix: '/check' },
      timeoutMs: 10_000,
      failOpen: true,
      statusOnError: 503,
      includedRequestHeaders: [literal('exact', 'x-custom-id'), literal('prefix', 'x-')],
      headersToUpstreamOnAllow: [literal('exact', 'authorization')],
      headersToDownstreamOnDeny: [literal('exact', 'set-cookie')],
      headersToDownstreamOnAllow: [literal('suffix', '-seen')],
      when: undefined,
    });
  });

  it('is told the headers that the filter names, whichever way it is asked', () => {
    const allowedHeaders = { patterns: [{ exact: 'a' }] };
    for (const service of [{ grpcService }, { httpService: { serverUri } }] as JsonObject[]) {
      expect(authorizationOf({ ...service, allowedHeaders })?.includedRequestHeaders).toEqual([literal('exact', 'a')]);
    }
  });

  it.each<[JsonObject, string]>([
    [{}, 'asks nobody'],
    [{ grpcService: {} }, 'grpc_service.envoy_grpc: is missing'],
    [{ grpcService: { envoyGrpc: { clusterName: '' } } }, 'cluster_name: must not be empty'],
    [{ grpcService: { googleGrpc: {} } }, 'google_grpc: is not supported'],
    [{ grpcService: { ...grpcService, initialMetadata: [{ key: 'a' }] } }, 'initial_metadata: is not supported'],
    [{ httpService: {} }, 'server_uri: is missing'],
    [{ httpService: { serverUri: { uri: 'http://a' } } }, 'server_uri.cluster: must not be empty'],
    [{ httpService: { serverUri, pathPrefix: 'x' } }, 'path_prefix: must begin with "/"'],
    [{ httpService: { serverUri, authorizationRequest: { headersToAdd: [{}] } } }, 'headers_to_add: is not supported'],
    [{ grpcService, withRequestBody: { maxRequestBytes: 1 } }, 'with_request_body: is not supported'],
    [{ grpcService, includePeerCertificate: true }, 'include_peer_certificate: is not supported'],
    [{ grpcService, disallowedHeaders: {} }, 'disallowed_headers: is not supported'],
    [{ grpcService, denyAtDisable: {} }, 'deny_at_disable: is not supported'],
    [{ grpcService, transportApiVersion: 'V2' }, 'transport_api_version: should be V3'],
    [{ grpcService, statusOnError: { code: 'OK' } }, 'status_on_error.code: 200 is not between 400 and 599'],
    [{ grpcService, filterEnabled: { defaultValue: { numerator: 50 } } }, 'filter_enabled: should be all requests'],
  ])('is refused: %j', (config, expected) => {
    expect(problemsOf(decode(extAuthz(config))).join('; ')).toContain(expected);
  });
});

describe('whom a service is asked about', () => {
  const everyone = { permissions: [{ any: true }], principals: [{ any: true }] };
  const shadow = rbac({
    shadowRules: {
      action: 'DENY',
      policies: { 'istio-ext-authz-a-ns[x]-policy[p]-rule[0]': everyone, 'istio-ext-authz-b-rule[0]': everyone },
    },
    shadowRulesStatPrefix: 'istio_ext_authz_',
  });
  const metadata = (more: JsonObject = {}) => ({
    filter: 'envoy.filters.http.rbac',
    path: [{ key: 'istio_ext_authz_shadow_effective_policy_id' }],
    value: { stringMatch: { prefix: 'istio-ext-authz-a' } },
    ...more,
  });

  it('is said by the shadow rules before, which are no filter of their own', () => {
    const filters = filtersOf(shadow, extAuthz({ grpcService, filterEnabledMetadata: metadata() }));
    expect(filters).toMatchObject([
      {
        kind: 'externalAuthorization',
        authorization: { when: { action: 'deny', policies: [{ name: 'istio-ext-authz-a-ns[x]-policy[p]-rule[0]' }] } },
      },
    ]);
  });

  it.each<[string, JsonObject[]]>([
    ['without shadow rules', [extAuthz({ grpcService, filterEnabledMetadata: metadata() })]],
    ['with shadow rules that come after', [extAuthz({ grpcService, filterEnabledMetadata: metadata() }), shadow]],
    ['with other metadata', [shadow, extAuthz({ grpcService, filterEnabledMetadata: metadata({ filter: 'x' }) })]],
    ['inverted', [shadow, extAuthz({ grpcService, filterEnabledMetadata: metadata({ invert: true }) })]],
    ['with another test', [shadow, extAuthz({ grpcService, filterEnabledMetadata: metadata({ value: {} }) })]],
  ])('is refused %s', (_, filters) => {
    expect(problemsOf(decode(...filters)).join('; ')).toContain('filter_enabled_metadata');
  });
});
