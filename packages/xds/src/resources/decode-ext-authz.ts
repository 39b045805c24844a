import type { ExternalAuthorization, RbacRules, StringMatcher as StringMatcherModel } from '@inmesh/core';
import { compileStringMatcher } from '@inmesh/core';
import { ApiVersion, type ExtAuthz, type MetadataMatcher } from '../messages.js';
import { type DecodedService, decodeAuthorizationService } from './decode-ext-authz-service.js';
import { decodeHeaderNames } from './decode-header-names.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeRuntimeFraction } from './percents.js';

/** Envoy's default (ext_authz.proto `status_on_error`). */
const defaultStatusOnError = 403;

const everyRequest = 1_000_000;

const everyHeader: StringMatcherModel = { kind: 'prefix', value: '', ignoreCase: false };

/** What RBAC filters before this one have found without carrying it out, by the prefix of what they call it. */
export type ShadowRules = ReadonlyMap<string, RbacRules>;

/** Envoy's HTTP filter `ExtAuthz`, unpacked by `unpackStrictly`. */
export function decodeExtAuthz(
  name: string,
  message: ExtAuthz,
  shadowRules: ShadowRules,
  at: FieldScope,
): ExternalAuthorization | undefined {
  if (message.transportApiVersion === ApiVersion.V2) at.field('transport_api_version').error('should be V3');
  checkEnabled(message, at.field('filter_enabled'));
  const statusOnError = decodeStatus(message, at.field('status_on_error.code'));
  const decoded = decodeAuthorizationService(message, at);
  const condition = message.filterEnabledMetadata;
  const when = condition && decodeWhen(condition, shadowRules, at.field('filter_enabled_metadata'));
  if (decoded === undefined || (condition !== undefined && when === undefined)) return undefined;
  return {
    name,
    ...decoded,
    includedRequestHeaders: includedHeaders(message, decoded, at),
    failOpen: message.failureModeAllow,
    statusOnError,
    when,
  };
}

function checkEnabled({ filterEnabled }: ExtAuthz, at: FieldScope): void {
  if (filterEnabled !== undefined) reportUnsupported(filterEnabled, at);
  const share = decodeRuntimeFraction(filterEnabled, everyRequest, at);
  if (share !== everyRequest) at.error('should be all requests: who is not asked about would get in by chance');
}

function decodeStatus({ statusOnError }: ExtAuthz, at: FieldScope): number {
  const code = statusOnError?.code ?? defaultStatusOnError;
  if (code < 400 || code > 599) at.error(`${code} is not between 400 and 599`);
  return code;
}

/** A service that is asked by gRPC is told every header, unless some are named (Envoy `allowed_headers`). */
function includedHeaders(
  { allowedHeaders }: ExtAuthz,
  { service, includedRequestHeaders }: DecodedService,
  at: FieldScope,
): readonly StringMatcherModel[] {
  if (allowedHeaders !== undefined) return decodeHeaderNames(allowedHeaders, at.field('allowed_headers'));
  return service.kind === 'grpc' ? [everyHeader] : includedRequestHeaders;
}

/**
 * Which requests are asked about: those that a rule matches of an RBAC filter before, which Istio writes for that alone.
 * The condition is one on the name of the policy that matched.
 */
function decodeWhen(message: MetadataMatcher, shadowRules: ShadowRules, at: FieldScope): RbacRules | undefined {
  reportUnsupported(message, at);
  const [segment, ...others] = message.path;
  const key = segment?.segment.value ?? '';
  const rules = key.endsWith(policyKey) ? shadowRules.get(key.slice(0, -policyKey.length)) : undefined;
  const pattern = message.value?.matchPattern;
  if (message.filter !== 'envoy.filters.http.rbac' || others.length > 0 || message.invert || rules === undefined) {
    return at.error(`should be a "${policyKey}" of shadow rules in an RBAC filter before this one`);
  }
  if (pattern?.case !== 'stringMatch') return at.field('value').error('should be a string_match');
  const matcher = decodeStringMatcher(pattern.value, at.field('value.string_match'));
  if (matcher === undefined) return undefined;
  const isMeant = compileStringMatcher(matcher);
  return { ...rules, policies: rules.policies.filter(({ name }) => isMeant(name)) };
}

const policyKey = 'shadow_effective_policy_id';
