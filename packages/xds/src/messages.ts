// The one door to the generated messages. `export *` hands on every message, enum and schema of a file under its own name.
// A name that several protos use is listed by hand, and gets an alias or goes to the proto that inmesh means by it.

export * from './gen/envoy/admin/v3/clusters_pb.js';
export * from './gen/envoy/admin/v3/config_dump_pb.js';
export * from './gen/envoy/admin/v3/config_dump_shared_pb.js';
export * from './gen/envoy/config/accesslog/v3/accesslog_pb.js';
export {
  type Bootstrap,
  type Bootstrap_DynamicResources,
  Bootstrap_DynamicResourcesSchema,
  type Bootstrap_StaticResources,
  Bootstrap_StaticResourcesSchema,
  BootstrapSchema,
} from './gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
export * from './gen/envoy/config/cluster/v3/circuit_breaker_pb.js';
export * from './gen/envoy/config/cluster/v3/cluster_pb.js';
export * from './gen/envoy/config/cluster/v3/outlier_detection_pb.js';
export * from './gen/envoy/config/core/v3/address_pb.js';
export * from './gen/envoy/config/core/v3/backoff_pb.js';
export * from './gen/envoy/config/core/v3/base_pb.js';
export * from './gen/envoy/config/core/v3/config_source_pb.js';
export * from './gen/envoy/config/core/v3/extension_pb.js';
export * from './gen/envoy/config/core/v3/grpc_service_pb.js';
export * from './gen/envoy/config/core/v3/health_check_pb.js';
export * from './gen/envoy/config/core/v3/http_uri_pb.js';
export * from './gen/envoy/config/core/v3/protocol_pb.js';
export * from './gen/envoy/config/core/v3/substitution_format_string_pb.js';
export * from './gen/envoy/config/endpoint/v3/endpoint_components_pb.js';
export * from './gen/envoy/config/endpoint/v3/endpoint_pb.js';
export * from './gen/envoy/config/endpoint/v3/load_report_pb.js';
export * from './gen/envoy/config/listener/v3/api_listener_pb.js';
export * from './gen/envoy/config/listener/v3/listener_components_pb.js';
export * from './gen/envoy/config/listener/v3/listener_pb.js';
export * from './gen/envoy/config/rbac/v3/rbac_pb.js';
export * from './gen/envoy/config/route/v3/route_components_pb.js';
export {
  type RetryPolicy,
  type RetryPolicy_RetryHostPredicate,
  RetryPolicy_RetryHostPredicateSchema,
  type RetryPolicy_RetryPriority,
  RetryPolicy_RetryPrioritySchema,
  RetryPolicySchema,
} from './gen/envoy/config/route/v3/route_components_pb.js';
export * from './gen/envoy/config/route/v3/route_pb.js';
export * from './gen/envoy/config/route/v3/scoped_route_pb.js';
export * from './gen/envoy/extensions/access_loggers/file/v3/file_pb.js';
export * from './gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js';
export {
  type ClusterConfig as AggregateClusterConfig,
  ClusterConfigSchema as AggregateClusterConfigSchema,
} from './gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.js';
export {
  type LocalRateLimitDescriptor,
  LocalRateLimitDescriptorSchema,
  VhRateLimitsOptions,
} from './gen/envoy/extensions/common/ratelimit/v3/ratelimit_pb.js';
export * from './gen/envoy/extensions/filters/common/fault/v3/fault_pb.js';
export {
  type Cors,
  type CorsPolicy as HttpCorsPolicy,
  CorsPolicySchema as HttpCorsPolicySchema,
  CorsSchema,
} from './gen/envoy/extensions/filters/http/cors/v3/cors_pb.js';
export * from './gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.js';
export * from './gen/envoy/extensions/filters/http/fault/v3/fault_pb.js';
export * from './gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.js';
export * from './gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js';
export {
  type RBAC as HttpRBAC,
  type RBACPerRoute,
  RBACPerRouteSchema,
  RBACSchema as HttpRBACSchema,
} from './gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js';
export * from './gen/envoy/extensions/filters/http/router/v3/router_pb.js';
export * from './gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
export * from './gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/common/v3/common_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/pick_first/v3/pick_first_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/random/v3/random_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/subset/v3/subset_pb.js';
export * from './gen/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.js';
export * from './gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.js';
export * from './gen/envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts_pb.js';
export * from './gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.js';
export * from './gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js';
export * from './gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
export * from './gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
export * from './gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
export * from './gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
export * from './gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
export {
  type HttpProtocolOptions as ClusterHttpProtocolOptions,
  HttpProtocolOptionsSchema as ClusterHttpProtocolOptionsSchema,
} from './gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
export {
  Authorization as AuthorizationService,
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from './gen/envoy/service/auth/v3/external_auth_pb.js';
export { ClusterDiscoveryService } from './gen/envoy/service/cluster/v3/cds_pb.js';
export * from './gen/envoy/service/discovery/v3/ads_pb.js';
export * from './gen/envoy/service/discovery/v3/discovery_pb.js';
export { EndpointDiscoveryService } from './gen/envoy/service/endpoint/v3/eds_pb.js';
export { ListenerDiscoveryService } from './gen/envoy/service/listener/v3/lds_pb.js';
export * from './gen/envoy/service/load_stats/v3/lrs_pb.js';
export { RouteDiscoveryService } from './gen/envoy/service/route/v3/rds_pb.js';
export * from './gen/envoy/service/secret/v3/sds_pb.js';
export * from './gen/envoy/service/status/v3/csds_pb.js';
export * from './gen/envoy/type/http/v3/path_transformation_pb.js';
export * from './gen/envoy/type/matcher/v3/filter_state_pb.js';
export * from './gen/envoy/type/matcher/v3/metadata_pb.js';
export * from './gen/envoy/type/matcher/v3/node_pb.js';
export * from './gen/envoy/type/matcher/v3/number_pb.js';
export * from './gen/envoy/type/matcher/v3/path_pb.js';
export * from './gen/envoy/type/matcher/v3/regex_pb.js';
export * from './gen/envoy/type/matcher/v3/string_pb.js';
export * from './gen/envoy/type/matcher/v3/value_pb.js';
export * from './gen/envoy/type/metadata/v3/metadata_pb.js';
export * from './gen/envoy/type/v3/http_status_pb.js';
export * from './gen/envoy/type/v3/percent_pb.js';
export * from './gen/envoy/type/v3/range_pb.js';
export * from './gen/envoy/type/v3/token_bucket_pb.js';
export { type Status as RpcStatus, StatusSchema as RpcStatusSchema } from './gen/google/rpc/status_pb.js';
export * from './gen/istio/v1/auth/ca_pb.js';
export * from './gen/spiffe/workload/workload_pb.js';
export * from './gen/udpa/annotations/sensitive_pb.js';
export {
  type TypedStruct as UdpaTypedStruct,
  TypedStructSchema as UdpaTypedStructSchema,
} from './gen/udpa/type/v1/typed_struct_pb.js';
export { type TypedStruct, TypedStructSchema } from './gen/xds/type/v3/typed_struct_pb.js';
