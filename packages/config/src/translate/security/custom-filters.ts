import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ApiVersion,
  ExtAuthzSchema,
  type HttpFilter,
  HttpRBACSchema,
  HttpServiceSchema,
  type ListStringMatcher,
  ListStringMatcherSchema,
  RBAC_Action,
} from '@inmesh/xds/messages';
import { parseGoDuration } from '../../durations.js';
import type { HttpAuthorizer } from '../../schema/istio-operator.js';
import type { Authorizer } from './extension-providers.js';
import { httpFilter } from './http-filter.js';
import { rbacFilterName } from './rbac-filters.js';
import { type AuthorizationSourceObject, buildRbac, isDryRun } from './rbac-policies.js';
import { policyMatcher } from './text-matchers.js';

const shadowPrefix = 'istio_ext_authz_';
const policyPrefix = 'istio-ext-authz-';

/** Istio's default. */
const defaultTimeout = { seconds: 600n, nanos: 0 };

/**
 * Who decides is asked about the requests that the policies match: shadow rules find those, and leave the name of the policy
 * for the filter that asks (istiod, extauthz.go).
 * @param authorizer undefined where there is none, or more than one: every request that matches is then refused
 */
export function buildCustomFilters(
  policies: readonly AuthorizationSourceObject[],
  authorizer: Authorizer | undefined,
  trustDomain: string,
): HttpFilter[] {
  const enforced = policies.filter((policy) => !isDryRun(policy));
  if (enforced.length === 0) return [];
  const rules = buildRbac(enforced, RBAC_Action.DENY, trustDomain, policyPrefix);
  if (authorizer === undefined) return [httpFilter(rbacFilterName, HttpRBACSchema, { rules })];
  return [
    httpFilter(rbacFilterName, HttpRBACSchema, { shadowRules: rules, shadowRulesStatPrefix: shadowPrefix }),
    buildQuestion(authorizer),
  ];
}

function buildQuestion(authorizer: Authorizer): HttpFilter {
  const { settings, cluster, host } = authorizer;
  const { failOpen = false, statusOnError = '403' } = settings;
  const timeout = timeoutOf(settings);
  return httpFilter('envoy.filters.http.ext_authz', ExtAuthzSchema, {
    services:
      authorizer.kind === 'http'
        ? { case: 'httpService', value: buildHttpService(authorizer.settings, cluster, host) }
        : {
            case: 'grpcService',
            value: {
              targetSpecifier: { case: 'envoyGrpc', value: { clusterName: cluster, authority: host } },
              timeout,
            },
          },
    transportApiVersion: ApiVersion.V3,
    failureModeAllow: failOpen,
    statusOnError: { code: Number(statusOnError) },
    ...(authorizer.kind === 'http' && headersOf('allowedHeaders', includedHeaders(authorizer.settings))),
    filterEnabledMetadata: {
      filter: rbacFilterName,
      path: [{ segment: { case: 'key', value: `${shadowPrefix}shadow_effective_policy_id` } }],
      value: { matchPattern: { case: 'stringMatch', value: policyMatcher(`${policyPrefix}*`) } },
    },
  });
}

function buildHttpService(settings: HttpAuthorizer, cluster: string, host: string) {
  const { pathPrefix = '', headersToUpstreamOnAllow, headersToDownstreamOnDeny, headersToDownstreamOnAllow } = settings;
  const response = {
    ...headersOf('allowedUpstreamHeaders', headersToUpstreamOnAllow),
    ...headersOf('allowedClientHeaders', headersToDownstreamOnDeny),
    ...headersOf('allowedClientHeadersOnSuccess', headersToDownstreamOnAllow),
  };
  const service: MessageInitShape<typeof HttpServiceSchema> = {
    // Envoy wants a URI and sends the request to the cluster.
    serverUri: {
      uri: `http://${host}`,
      httpUpstreamType: { case: 'cluster', value: cluster },
      timeout: timeoutOf(settings),
    },
    pathPrefix,
    ...(Object.keys(response).length > 0 && { authorizationResponse: response }),
  };
  return create(HttpServiceSchema, service);
}

function includedHeaders({ includeRequestHeadersInCheck, includeHeadersInCheck }: HttpAuthorizer): readonly string[] {
  return [...(includeRequestHeadersInCheck ?? []), ...(includeHeadersInCheck ?? [])];
}

function headersOf<Name extends string>(
  name: Name,
  headers: readonly string[] = [],
): Partial<Record<Name, ListStringMatcher>> {
  if (headers.length === 0) return {};
  const patterns = headers.map((header) => ({ ...policyMatcher(header), ignoreCase: true }));
  return { [name]: create(ListStringMatcherSchema, { patterns }) } as Partial<Record<Name, ListStringMatcher>>;
}

function timeoutOf({ timeout = '' }: Authorizer['settings']) {
  const parsed = parseGoDuration(timeout);
  return parsed.ok ? parsed.duration : defaultTimeout;
}
