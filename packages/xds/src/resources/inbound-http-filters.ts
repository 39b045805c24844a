import type { InboundFilter, Principal, RbacRules } from '@inmesh/core';
import {
  CorsSchema,
  ExtAuthzSchema,
  HTTPFaultSchema,
  type HttpFilter,
  HttpRBACSchema,
  JwtAuthenticationSchema,
  RouterSchema,
  TypedStructSchema,
  UdpaTypedStructSchema,
} from '../messages.js';
import { decodeExtAuthz } from './decode-ext-authz.js';
import { decodeJwtAuthentication } from './decode-jwt-authn.js';
import { type DecodedRbac, decodeHttpRbac } from './decode-rbac.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { reportUnknownFields, unpackStrictly } from './unknown-fields.js';
import { anyIs } from './unpack-any.js';

/** Shadow rules of this prefix are no trial: they say whom an authorization service is asked about (Istio). */
const questionPrefix = 'istio_ext_authz_';

/** They let everyone in: a browser's preflight, faults on purpose, and what istiod's sidecars measure by. */
const harmlessTypes = [
  CorsSchema.typeName,
  HTTPFaultSchema.typeName,
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
  'io.istio.http.peer_metadata.Config',
  'stats.PluginConfig',
];

/** The same in a form without a proto, told by name. */
const harmlessNames = ['istio.stats', 'istio.metadata_exchange'];

/** What the filters before one have left for it. */
interface Before {
  readonly shadowRules: Map<string, RbacRules>;
  /** Whether Envoy would not show the claims of every token to the filters after (JWT `payload_in_metadata`). */
  hidesClaims: boolean;
}

/** What a chain asks of requests, in order. A filter that is not known might be what keeps somebody out: it is refused. */
export function decodeInboundFilters(filters: readonly HttpFilter[], at: FieldScope): InboundFilter[] {
  if (filters.length === 0) at.field('http_filters').error('is empty: a router is needed');
  const before: Before = { shadowRules: new Map(), hidesClaims: false };
  return at
    .each('http_filters', filters, (filter, scope, index) =>
      decodeFilter(filter, before, index === filters.length - 1, scope),
    )
    .flat();
}

function decodeFilter(
  filter: HttpFilter,
  before: Before,
  isLast: boolean,
  at: FieldScope,
): readonly InboundFilter[] | undefined {
  reportUnknownFields(filter, at);
  reportUnsupported(filter, at);
  const { configType } = filter;
  const isRouter = configType.case === 'typedConfig' && anyIs(configType.value, RouterSchema);
  if (isRouter !== isLast)
    return at.error(isRouter ? 'a router must be the last filter' : 'the last filter must be a router');
  if (isRouter || filter.disabled) return [];
  const scope = at.field('typed_config');
  if (configType.case !== 'typedConfig') return scope.error('is missing');
  const any = configType.value;
  if (anyIs(any, HttpRBACSchema)) {
    const message = unpackStrictly(any, HttpRBACSchema, scope);
    const decoded = message && decodeHttpRbac(message, scope);
    if (decoded !== undefined && before.hidesClaims && usesClaims(decoded)) {
      return scope.error('asks for claims that no policy sees: set payload_in_metadata of all providers to "payload"');
    }
    return decoded && rbacFilters(decoded, before);
  }
  if (anyIs(any, JwtAuthenticationSchema)) {
    const message = unpackStrictly(any, JwtAuthenticationSchema, scope);
    if (message === undefined) return undefined;
    before.hidesClaims ||= Object.values(message.providers).some(({ payloadInMetadata }) => payloadInMetadata === '');
    return [{ kind: 'jwt', authentication: decodeJwtAuthentication(message, scope) }];
  }
  if (anyIs(any, ExtAuthzSchema)) {
    const message = unpackStrictly(any, ExtAuthzSchema, scope);
    const authorization = message && decodeExtAuthz(filter.name, message, before.shadowRules, scope);
    return authorization && [{ kind: 'externalAuthorization', authorization }];
  }
  if (filter.isOptional || isHarmless(filter.name, any)) return [];
  return at.error(
    `the filter "${filter.name}" (${any.typeUrl}) is not supported: leave it out, or say is_optional: true`,
  );
}

function isHarmless(name: string, any: Parameters<typeof anyIs>[0]): boolean {
  if (harmlessTypes.some((typeName) => any.typeUrl.endsWith(`/${typeName}`))) return true;
  return harmlessNames.includes(name) && (anyIs(any, TypedStructSchema) || anyIs(any, UdpaTypedStructSchema));
}

function rbacFilters({ rules, shadowRules: shadow, shadowPrefix }: DecodedRbac, before: Before): InboundFilter[] {
  if (shadow !== undefined) before.shadowRules.set(shadowPrefix, shadow);
  const isTrial = shadow !== undefined && !shadowPrefix.startsWith(questionPrefix);
  return [
    ...(isTrial ? [{ kind: 'rbac', rules: shadow, shadow: true } as const] : []),
    ...(rules !== undefined ? [{ kind: 'rbac', rules, shadow: false } as const] : []),
  ];
}

function usesClaims({ rules, shadowRules }: DecodedRbac): boolean {
  const policies = [...(rules?.policies ?? []), ...(shadowRules?.policies ?? [])];
  return policies.some(({ principals }) => principals.some(isOfClaim));
}

function isOfClaim(principal: Principal): boolean {
  if (principal.kind === 'not') return isOfClaim(principal.principal);
  if (principal.kind === 'all' || principal.kind === 'oneOf') return principal.principals.some(isOfClaim);
  return principal.kind === 'claim';
}
