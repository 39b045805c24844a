import {
  LocalRateLimitDescriptorSchema,
  LocalRateLimitSchema,
  RateLimit_Action_GenericKeySchema,
  RateLimit_Action_HeaderValueMatchSchema,
  RateLimit_Action_RequestHeadersSchema,
  RateLimit_ActionSchema,
  RateLimitSchema,
  TokenBucketSchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, supported, unneeded } from './support.js';

/** Local rate limits: of routes and of virtual hosts. */
export const rateLimitFields: readonly MessageSupport[] = [
  ofMessage(
    LocalRateLimitSchema,
    supported('status', 'token_bucket', 'filter_enabled', 'filter_enforced', 'response_headers_to_add', 'descriptors'),
    supported('stage', 'vh_rate_limits', 'always_consume_default_token_bucket', 'rate_limited_as_resource_exhausted'),
    unneeded('it names statistics of Envoy', 'stat_prefix'),
    ignored('a refusal that is not carried out cannot be seen upstream', 'request_headers_to_add_when_not_enforced'),
    ignored('connections share their bucket', 'local_rate_limit_per_downstream_connection'),
    ignored('each process has the whole bucket', 'local_cluster_rate_limit'),
    ignored('responses do not tell what is left', 'enable_x_ratelimit_headers'),
  ),
  ofMessage(LocalRateLimitDescriptorSchema, supported('entries', 'token_bucket')),
  ofMessage(TokenBucketSchema, supported('max_tokens', 'tokens_per_fill', 'fill_interval')),
  ofMessage(
    RateLimitSchema,
    supported('stage', 'actions'),
    unneeded('there is no Envoy runtime', 'disable_key'),
    ignored('the limit of the descriptor counts', 'limit'),
  ),
  ofMessage(
    RateLimit_ActionSchema,
    supported('source_cluster', 'destination_cluster', 'request_headers', 'remote_address', 'generic_key'),
    supported('header_value_match'),
    ignored('there is no such descriptor', 'dynamic_metadata', 'metadata', 'extension', 'masked_remote_address'),
    ignored('there is no such descriptor', 'query_parameter_value_match'),
  ),
  ofMessage(RateLimit_Action_GenericKeySchema, supported('descriptor_key', 'descriptor_value')),
  ofMessage(RateLimit_Action_RequestHeadersSchema, supported('header_name', 'descriptor_key', 'skip_if_absent')),
  ofMessage(
    RateLimit_Action_HeaderValueMatchSchema,
    supported('descriptor_key', 'descriptor_value', 'expect_match', 'headers'),
  ),
];
