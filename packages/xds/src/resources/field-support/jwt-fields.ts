import {
  HttpUriSchema,
  JwtAuthenticationSchema,
  JwtClaimToHeaderSchema,
  JwtHeaderSchema,
  JwtProvider_NormalizePayloadSchema,
  JwtProviderSchema,
  JwtRequirementAndListSchema,
  JwtRequirementOrListSchema,
  JwtRequirementSchema,
  RemoteJwksSchema,
  RequirementRuleSchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

const noOtherTests = 'issuer, audiences, signature and times are what is tested of a token';

const forFilters = 'only filters of Envoy read it';

/** Of envoy.extensions.filters.http.jwt_authn.v3. */
export const jwtFields: readonly MessageSupport[] = [
  ofMessage(
    JwtAuthenticationSchema,
    supported('providers', 'rules', 'requirement_map', 'bypass_cors_preflight'),
    refused('only filters of Envoy write such state', 'filter_state_rules'),
    ignored('the answer says what is wrong with the token', 'strip_failure_response'),
  ),
  ofMessage(
    JwtProviderSchema,
    supported('issuer', 'audiences', 'remote_jwks', 'local_jwks', 'forward', 'from_headers', 'from_params'),
    supported('from_cookies', 'forward_payload_header', 'clock_skew_seconds', 'claim_to_headers'),
    supported('payload_in_metadata', 'normalize_payload_in_metadata'),
    refused(noOtherTests, 'subjects', 'require_expiration', 'max_lifetime'),
    ignored('the payload is written without padding', 'pad_forward_payload_header'),
    ignored(forFilters, 'header_in_metadata', 'failed_status_in_metadata'),
    unneeded('it is about the speed of Envoy', 'jwt_cache_config'),
    unneeded('an incoming request has no route to choose', 'clear_route_cache'),
  ),
  ofMessage(JwtProvider_NormalizePayloadSchema, supported('space_delimited_claims')),
  ofMessage(
    RemoteJwksSchema,
    supported('http_uri', 'cache_duration'),
    unneeded(
      'keys are fetched ahead of requests, and again after failures, by themselves',
      'async_fetch',
      'retry_policy',
    ),
  ),
  ofMessage(HttpUriSchema, supported('uri', 'cluster', 'timeout')),
  ofMessage(JwtHeaderSchema, supported('name', 'value_prefix')),
  ofMessage(JwtClaimToHeaderSchema, supported('header_name', 'claim_name')),
  ofMessage(RequirementRuleSchema, supported('match', 'requires', 'requirement_name')),
  ofMessage(
    JwtRequirementSchema,
    supported('provider_name', 'requires_any', 'requires_all', 'allow_missing_or_failed', 'allow_missing'),
    refused('give the audiences to the provider', 'provider_and_audiences'),
  ),
  ofMessage(JwtRequirementOrListSchema, supported('requirements')),
  ofMessage(JwtRequirementAndListSchema, supported('requirements')),
];
