import {
  CorsPolicySchema,
  DataSourceSchema,
  DirectResponseActionSchema,
  FractionalPercentSchema,
  HeaderMatcherSchema,
  HeaderValueOptionSchema,
  HeaderValueSchema,
  QueryParameterMatcherSchema,
  RedirectActionSchema,
  RegexMatchAndSubstituteSchema,
  RegexMatcherSchema,
  RetryPolicy_RateLimitedRetryBackOffSchema,
  RetryPolicy_ResetHeaderSchema,
  RetryPolicy_RetryBackOffSchema,
  RetryPolicy_RetryHostPredicateSchema,
  RetryPolicySchema,
  RouteAction_HashPolicy_ConnectionPropertiesSchema,
  RouteAction_HashPolicy_CookieSchema,
  RouteAction_HashPolicy_HeaderSchema,
  RouteAction_HashPolicy_QueryParameterSchema,
  RouteAction_HashPolicySchema,
  RouteAction_MaxStreamDurationSchema,
  RouteAction_RequestMirrorPolicySchema,
  RouteActionSchema,
  RouteConfigurationSchema,
  RouteMatchSchema,
  RouteSchema,
  RuntimeFractionalPercentSchema,
  StringMatcherSchema,
  VirtualHostSchema,
  WeightedCluster_ClusterWeightSchema,
  WeightedClusterSchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

const headerLists = supported(
  'request_headers_to_add',
  'request_headers_to_remove',
  'response_headers_to_add',
  'response_headers_to_remove',
);

const noExtensions = 'extensions of Envoy have no code here';

const noRuntime = unneeded('there is no Envoy runtime: the default value counts', 'runtime_key');

const onlyForProxies = 'a proxy needs it, the process that calls does not';

const retryExtension = ignored(`${noExtensions}; retry_policy is used`, 'retry_policy_typed_config');

const noHedging = ignored('a request is never sent to several endpoints at once', 'hedge_policy');

const allowMetadata = unneeded('only extensions of Envoy read it', 'metadata');

const corsFields = [
  supported(
    'allow_origin_string_match',
    'allow_methods',
    'allow_headers',
    'expose_headers',
    'max_age',
    'allow_credentials',
    'filter_enabled',
    'forward_not_matching_preflights',
  ),
  ignored('a policy that is only watched does nothing here', 'shadow_enabled'),
  ignored('the answer to a preflight says nothing of private networks', 'allow_private_network_access'),
] as const;

const configurations: readonly MessageSupport[] = [
  ofMessage(
    RouteConfigurationSchema,
    supported('name', 'virtual_hosts', 'request_mirror_policies', 'typed_per_filter_config'),
    supported('most_specific_header_mutations_wins'),
    headerLists,
    refused('virtual hosts come with their configuration only', 'vhds'),
    refused(noExtensions, 'cluster_specifier_plugins'),
    ignored('paths match with their parameters (;a=b)', 'ignore_path_parameters_in_path_matching'),
    unneeded('a domain without a port is tried for every port', 'ignore_port_in_host_matching'),
    unneeded(onlyForProxies, 'internal_only_headers'),
    unneeded('a file is checked for it; over xDS a cluster may come after its route', 'validate_clusters'),
    unneeded('direct responses come whole, within the size limits of xDS', 'max_direct_response_body_size_bytes'),
    allowMetadata,
  ),
  ofMessage(
    VirtualHostSchema,
    supported('name', 'domains', 'routes', 'retry_policy', 'rate_limits', 'cors', 'typed_per_filter_config'),
    supported('request_mirror_policies'),
    headerLists,
    refused('routes are chosen by the list of routes only', 'matcher'),
    refused('requests in clear text cannot be turned away here', 'require_tls'),
    retryExtension,
    noHedging,
    ignored(
      'requests say nothing of earlier attempts',
      'include_request_attempt_count',
      'include_is_timeout_retry_header',
    ),
    ignored('responses say nothing of earlier attempts', 'include_attempt_count_in_response'),
    unneeded('it only adds statistics', 'virtual_clusters'),
    unneeded(onlyForProxies, 'per_request_buffer_limit_bytes'),
    allowMetadata,
  ),
  ofMessage(
    RouteSchema,
    supported('name', 'match', 'route', 'redirect', 'direct_response', 'typed_per_filter_config'),
    headerLists,
    refused(noExtensions, 'filter_action'),
    refused('it is for servers only', 'non_forwarding_action'),
    unneeded('spans are named by the telemetry settings', 'decorator'),
    unneeded('sampling is decided by the telemetry settings', 'tracing'),
    unneeded('it only adds statistics', 'stat_prefix'),
    unneeded(onlyForProxies, 'per_request_buffer_limit_bytes'),
    allowMetadata,
  ),
];

const matches: readonly MessageSupport[] = [
  ofMessage(
    RouteMatchSchema,
    supported('prefix', 'path', 'safe_regex', 'path_separated_prefix', 'case_sensitive', 'runtime_fraction'),
    supported('headers', 'query_parameters'),
    refused('CONNECT requests are not routed', 'connect_matcher'),
    refused(noExtensions, 'path_match_policy'),
    refused('gRPC requests are told by their content-type: match that header', 'grpc'),
    refused('client certificates are not looked at by routes', 'tls_context'),
    refused('only filters of Envoy write such metadata', 'dynamic_metadata'),
  ),
  ofMessage(
    HeaderMatcherSchema,
    supported('name', 'exact_match', 'safe_regex_match', 'range_match', 'present_match', 'prefix_match'),
    supported('suffix_match', 'contains_match', 'string_match', 'invert_match', 'treat_missing_header_as_empty'),
  ),
  ofMessage(QueryParameterMatcherSchema, supported('name', 'string_match', 'present_match')),
  ofMessage(
    StringMatcherSchema,
    supported('exact', 'prefix', 'suffix', 'safe_regex', 'contains', 'ignore_case'),
    refused(noExtensions, 'custom'),
  ),
  ofMessage(RegexMatcherSchema, supported('regex'), unneeded('RE2 is the only engine', 'google_re2')),
  ofMessage(RegexMatchAndSubstituteSchema, supported('pattern', 'substitution')),
  ofMessage(RuntimeFractionalPercentSchema, supported('default_value'), noRuntime),
  ofMessage(FractionalPercentSchema, supported('numerator', 'denominator')),
];

const forwarding: readonly MessageSupport[] = [
  ofMessage(
    RouteActionSchema,
    supported('cluster', 'weighted_clusters', 'prefix_rewrite', 'regex_rewrite', 'host_rewrite_literal'),
    supported('auto_host_rewrite', 'host_rewrite_header', 'host_rewrite_path_regex', 'timeout', 'idle_timeout'),
    supported('retry_policy', 'request_mirror_policies', 'priority', 'rate_limits', 'hash_policy', 'cors'),
    supported('max_stream_duration', 'include_vh_rate_limits'),
    refused('the cluster must be known when the route is', 'cluster_header'),
    refused(noExtensions, 'cluster_specifier_plugin', 'inline_cluster_specifier_plugin', 'path_rewrite_policy'),
    ignored('a call to a missing cluster fails with 503', 'cluster_not_found_response_code'),
    ignored('every endpoint of the cluster may be chosen', 'metadata_match'),
    ignored('the upstream does not learn the host as it was before', 'append_x_forwarded_host'),
    retryExtension,
    noHedging,
    ignored('redirects are handed to the caller', 'internal_redirect_policy', 'internal_redirect_action'),
    unneeded('redirects are handed to the caller', 'max_internal_redirects'),
    ignored('a call waits for its connection', 'early_data_policy'),
    ignored('grpc-timeout counts as it came', 'grpc_timeout_offset'),
    unneeded('the shorter one of timeout and grpc-timeout counts already', 'max_grpc_timeout'),
    unneeded('calls do not pass through as they would through a proxy: there is nothing to switch', 'upgrade_configs'),
  ),
  ofMessage(
    RouteAction_MaxStreamDurationSchema,
    supported('max_stream_duration', 'grpc_timeout_header_max'),
    ignored('grpc-timeout counts as it came', 'grpc_timeout_header_offset'),
  ),
  ofMessage(
    RouteAction_RequestMirrorPolicySchema,
    supported('cluster', 'runtime_fraction', 'disable_shadow_host_suffix_append'),
    refused('the cluster must be known when the route is', 'cluster_header'),
    unneeded('a copy is traced like any other request', 'trace_sampled'),
  ),
  ofMessage(
    RouteAction_HashPolicySchema,
    supported('header', 'cookie', 'connection_properties', 'query_parameter', 'terminal'),
    ignored('only filters of Envoy write such state', 'filter_state'),
  ),
  ofMessage(RouteAction_HashPolicy_HeaderSchema, supported('header_name', 'regex_rewrite')),
  ofMessage(
    RouteAction_HashPolicy_CookieSchema,
    supported('name', 'ttl', 'path'),
    ignored('a cookie that is made carries its life time and its path only', 'attributes'),
  ),
  ofMessage(RouteAction_HashPolicy_ConnectionPropertiesSchema, supported('source_ip')),
  ofMessage(RouteAction_HashPolicy_QueryParameterSchema, supported('name')),
  ofMessage(
    WeightedClusterSchema,
    supported('clusters'),
    ignored('the random value is drawn here', 'header_name'),
    unneeded('the sum of the weights counts', 'total_weight'),
    unneeded('there is no Envoy runtime: the weights count', 'runtime_key_prefix'),
  ),
  ofMessage(
    WeightedCluster_ClusterWeightSchema,
    supported('name', 'weight', 'host_rewrite_literal', 'typed_per_filter_config'),
    headerLists,
    refused('the cluster must be known when the route is', 'cluster_header'),
    ignored('every endpoint of the cluster may be chosen', 'metadata_match'),
  ),
];

const retries: readonly MessageSupport[] = [
  ofMessage(
    RetryPolicySchema,
    supported('retry_on', 'num_retries', 'per_try_timeout', 'per_try_idle_timeout', 'retry_host_predicate'),
    supported('host_selection_retry_max_attempts', 'retriable_status_codes', 'retry_back_off'),
    supported('rate_limited_retry_back_off', 'retriable_headers', 'retriable_request_headers'),
    ignored('retries go to the priority that load balancing chooses', 'retry_priority'),
    ignored(noExtensions, 'retry_options_predicates'),
  ),
  ofMessage(RetryPolicy_RetryHostPredicateSchema, supported('name', 'typed_config')),
  ofMessage(RetryPolicy_RetryBackOffSchema, supported('base_interval', 'max_interval')),
  ofMessage(RetryPolicy_RateLimitedRetryBackOffSchema, supported('reset_headers', 'max_interval')),
  ofMessage(RetryPolicy_ResetHeaderSchema, supported('name', 'format')),
];

const answers: readonly MessageSupport[] = [
  ofMessage(
    RedirectActionSchema,
    supported('https_redirect', 'scheme_redirect', 'host_redirect', 'port_redirect', 'path_redirect'),
    supported('prefix_rewrite', 'regex_rewrite', 'response_code', 'strip_query'),
  ),
  ofMessage(DirectResponseActionSchema, supported('status', 'body')),
  ofMessage(
    DataSourceSchema,
    supported('inline_bytes', 'inline_string'),
    // What a config server names must not choose what of this machine is served.
    refused('the text must be inline', 'filename', 'environment_variable'),
    unneeded('only files are watched', 'watched_directory'),
  ),
  ofMessage(CorsPolicySchema, ...corsFields),
];

const headers: readonly MessageSupport[] = [
  ofMessage(HeaderValueOptionSchema, supported('header', 'append', 'append_action', 'keep_empty_value')),
  ofMessage(HeaderValueSchema, supported('key', 'value', 'raw_value')),
];

/** Of envoy.config.route.v3 and what it is made of. */
export const routeFields: readonly MessageSupport[] = [
  ...configurations,
  ...matches,
  ...forwarding,
  ...retries,
  ...answers,
  ...headers,
];

export { corsFields, noExtensions, noRuntime };
