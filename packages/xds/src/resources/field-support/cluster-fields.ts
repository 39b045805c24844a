import {
  CircuitBreakers_Thresholds_RetryBudgetSchema,
  CircuitBreakers_ThresholdsSchema,
  CircuitBreakersSchema,
  Cluster_CommonLbConfig_ConsistentHashingLbConfigSchema,
  Cluster_CommonLbConfigSchema,
  Cluster_CustomClusterTypeSchema,
  Cluster_EdsClusterConfigSchema,
  Cluster_LeastRequestLbConfigSchema,
  Cluster_MaglevLbConfigSchema,
  Cluster_RingHashLbConfigSchema,
  Cluster_RoundRobinLbConfigSchema,
  Cluster_SlowStartConfigSchema,
  ClusterHttpProtocolOptionsSchema,
  ClusterSchema,
  HttpProtocolOptionsSchema,
  OutlierDetectionSchema,
  TcpKeepaliveSchema,
  UpstreamConnectionOptionsSchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

const metricsOnly = 'it only changes the statistics of Envoy';

const noZones = ignored('traffic is not kept in the zone of the caller by this field', 'zone_aware_lb_config');

const dns = unneeded(
  'names are resolved by the resolver of the process',
  'dns_refresh_rate',
  'dns_failure_refresh_rate',
  'respect_dns_ttl',
  'dns_lookup_family',
  'dns_resolvers',
  'use_tcp_for_dns_lookups',
  'dns_resolution_config',
  'typed_dns_resolver_config',
);

const connections = unneeded(
  'connections are left to undici',
  'per_connection_buffer_limit_bytes',
  'http_protocol_options',
  'upstream_http_protocol_options',
  'protocol_selection',
  'close_connections_on_host_health_failure',
  'connection_pool_per_downstream_connection',
);

const clusters: readonly MessageSupport[] = [
  ofMessage(
    ClusterSchema,
    supported('name', 'type', 'cluster_type', 'eds_cluster_config', 'load_assignment', 'connect_timeout', 'metadata'),
    supported('lb_policy', 'load_balancing_policy', 'ring_hash_lb_config', 'maglev_lb_config', 'common_lb_config'),
    supported('least_request_lb_config', 'round_robin_lb_config', 'circuit_breakers', 'outlier_detection'),
    supported('max_requests_per_connection', 'common_http_protocol_options', 'typed_extension_protocol_options'),
    supported('upstream_connection_options', 'transport_socket', 'transport_socket_matches'),
    ignored('endpoints are not probed: outlier detection and EDS tell their health', 'health_checks'),
    ignored('requests go to all endpoints', 'lb_subset_config'),
    ignored('filters between load balancing and the connection have no code here', 'filters'),
    ignored('the system chooses the local address', 'upstream_bind_config'),
    ignored('connections are opened when they are needed', 'preconnect_policy'),
    ignored('extensions of Envoy have no code here', 'upstream_config'),
    ignored('load is not reported', 'lrs_server', 'lrs_report_endpoint_metrics'),
    ignored('the endpoint is what the caller dialled', 'original_dst_lb_config'),
    unneeded('HTTP/1.1 is spoken to endpoints in clear text', 'http2_protocol_options'),
    dns,
    connections,
    unneeded('a cluster is used when its endpoints are known', 'wait_for_warm_on_init'),
    unneeded('endpoints that are gone are forgotten by themselves', 'cleanup_interval'),
    unneeded('an endpoint that is gone takes no requests', 'ignore_health_on_host_removal'),
    unneeded(metricsOnly, 'alt_stat_name', 'track_timeout_budgets', 'track_cluster_stats'),
  ),
  ofMessage(Cluster_CustomClusterTypeSchema, supported('name', 'typed_config')),
  ofMessage(Cluster_EdsClusterConfigSchema, supported('eds_config', 'service_name')),
  ofMessage(
    Cluster_CommonLbConfigSchema,
    supported('healthy_panic_threshold', 'locality_weighted_lb_config', 'consistent_hashing_lb_config'),
    noZones,
    ignored('an endpoint counts with the health that EDS gives it', 'override_host_status'),
    unneeded('updates are taken as they come', 'update_merge_window'),
    unneeded('there are no health checks to wait for', 'ignore_new_hosts_until_first_hc'),
    ignored('connections outlive a change of the endpoints', 'close_connections_on_host_set_change'),
  ),
  ofMessage(
    Cluster_CommonLbConfig_ConsistentHashingLbConfigSchema,
    ignored('the table is made of addresses', 'use_hostname_for_hashing'),
    ignored('a busy endpoint keeps its keys', 'hash_balance_factor'),
  ),
  ofMessage(Cluster_RingHashLbConfigSchema, supported('minimum_ring_size', 'hash_function', 'maximum_ring_size')),
  ofMessage(Cluster_MaglevLbConfigSchema, supported('table_size')),
  ofMessage(Cluster_RoundRobinLbConfigSchema, supported('slow_start_config')),
  ofMessage(Cluster_LeastRequestLbConfigSchema, supported('choice_count', 'active_request_bias', 'slow_start_config')),
  ofMessage(Cluster_SlowStartConfigSchema, supported('slow_start_window', 'aggression', 'min_weight_percent')),
];

const limits: readonly MessageSupport[] = [
  ofMessage(
    CircuitBreakersSchema,
    supported('thresholds'),
    ignored('an endpoint has no limits of its own', 'per_host_thresholds'),
  ),
  ofMessage(
    CircuitBreakers_ThresholdsSchema,
    supported('priority', 'max_connections', 'max_pending_requests', 'max_requests', 'max_retries', 'retry_budget'),
    unneeded('what remains is always in the metrics', 'track_remaining'),
    unneeded('there is one pool for each endpoint', 'max_connection_pools'),
  ),
  ofMessage(CircuitBreakers_Thresholds_RetryBudgetSchema, supported('budget_percent', 'min_retry_concurrency')),
  ofMessage(
    OutlierDetectionSchema,
    supported('consecutive_5xx', 'interval', 'base_ejection_time', 'max_ejection_percent', 'max_ejection_time'),
    supported('enforcing_consecutive_5xx', 'enforcing_success_rate', 'success_rate_minimum_hosts'),
    supported('success_rate_request_volume', 'success_rate_stdev_factor', 'consecutive_gateway_failure'),
    supported('enforcing_consecutive_gateway_failure', 'split_external_local_origin_errors'),
    supported('consecutive_local_origin_failure', 'enforcing_consecutive_local_origin_failure'),
    supported('enforcing_local_origin_success_rate', 'failure_percentage_threshold', 'enforcing_failure_percentage'),
    supported('enforcing_failure_percentage_local_origin', 'failure_percentage_minimum_hosts'),
    supported('failure_percentage_request_volume', 'max_ejection_time_jitter', 'always_eject_one_host'),
    unneeded('there are no health checks', 'successful_active_health_check_uneject_host'),
    ignored('extensions of Envoy have no code here', 'monitors'),
  ),
];

const protocols: readonly MessageSupport[] = [
  ofMessage(
    ClusterHttpProtocolOptionsSchema,
    supported('common_http_protocol_options'),
    unneeded('HTTP/1.1 is spoken to endpoints in clear text', 'explicit_http_config'),
    unneeded('HTTP/1.1 is spoken to endpoints in clear text', 'use_downstream_protocol_config', 'auto_config'),
    unneeded('names of certificates are taken from the transport socket', 'upstream_http_protocol_options'),
    refused('filters have no code here', 'http_filters'),
    unneeded('undici checks headers', 'header_validation_config'),
  ),
  ofMessage(
    HttpProtocolOptionsSchema,
    supported('idle_timeout', 'max_connection_duration', 'max_requests_per_connection'),
    ignored('give routes a max_stream_duration', 'max_stream_duration'),
    unneeded('undici limits headers by their size', 'max_headers_count'),
    unneeded('headers are passed on as they are', 'headers_with_underscores_action'),
  ),
  ofMessage(
    UpstreamConnectionOptionsSchema,
    supported('tcp_keepalive'),
    unneeded('it only tells Envoy its own address', 'set_local_interface_name_on_upstream_connections'),
    unneeded('an endpoint has one address', 'happy_eyeballs_config'),
  ),
  ofMessage(
    TcpKeepaliveSchema,
    supported('keepalive_time'),
    ignored('Node sets it to the default of the system', 'keepalive_probes', 'keepalive_interval'),
  ),
];

/** Of envoy.config.cluster.v3 and the options of its connections. */
export const clusterFields: readonly MessageSupport[] = [...clusters, ...limits, ...protocols];
