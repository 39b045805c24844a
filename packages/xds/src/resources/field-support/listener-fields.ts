import {
  ApiListenerSchema,
  HttpConnectionManagerSchema,
  HttpFilterSchema,
  ListenerSchema,
  RdsSchema,
} from '../../messages.js';
import { type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

const forSockets = 'it is for sockets that a proxy listens on';

const ownTelemetry = 'logs and traces have settings of their own';

const forProxies = 'it is for requests that pass through a proxy';

/** Of envoy.config.listener.v3 and the HTTP connection manager. */
export const listenerFields: readonly MessageSupport[] = [
  ofMessage(
    ListenerSchema,
    supported('name', 'api_listener', 'address', 'filter_chains', 'default_filter_chain'),
    supported('traffic_direction'),
    unneeded(forSockets, 'additional_addresses', 'filter_chain_matcher'),
    supported('use_original_dst'),
    unneeded(forSockets, 'per_connection_buffer_limit_bytes'),
    unneeded(forSockets, 'deprecated_v1', 'drain_type', 'listener_filters', 'listener_filters_timeout'),
    unneeded(forSockets, 'continue_on_listener_filters_timeout', 'transparent', 'freebind', 'socket_options'),
    unneeded(forSockets, 'tcp_fast_open_queue_length', 'udp_listener_config'),
    unneeded(forSockets, 'connection_balance_config', 'reuse_port', 'enable_reuse_port', 'tcp_backlog_size'),
    unneeded(forSockets, 'max_connections_to_accept_per_socket_event', 'bind_to_port', 'internal_listener'),
    unneeded(forSockets, 'enable_mptcp', 'ignore_global_conn_limit', 'bypass_overload_manager'),
    unneeded(ownTelemetry, 'stat_prefix', 'access_log'),
    unneeded('only extensions of Envoy read it', 'metadata'),
  ),
  ofMessage(ApiListenerSchema, supported('api_listener')),
  ofMessage(
    HttpConnectionManagerSchema,
    supported('rds', 'route_config', 'http_filters', 'merge_slashes', 'path_with_escaped_slashes_action'),
    refused('routes are chosen by virtual host and route only', 'scoped_routes'),
    unneeded(ownTelemetry, 'stat_prefix', 'tracing', 'access_log', 'access_log_flush_interval'),
    unneeded(ownTelemetry, 'flush_access_log_on_new_request', 'access_log_options'),
    unneeded(forProxies, 'codec_type', 'add_user_agent', 'common_http_protocol_options', 'http_protocol_options'),
    unneeded(forProxies, 'http2_protocol_options', 'http3_protocol_options', 'server_name'),
    unneeded(forProxies, 'server_header_transformation', 'scheme_header_transformation', 'max_request_headers_kb'),
    unneeded(forProxies, 'stream_idle_timeout', 'request_timeout', 'request_headers_timeout', 'drain_timeout'),
    unneeded(forProxies, 'delayed_close_timeout', 'use_remote_address', 'xff_num_trusted_hops'),
    unneeded(forProxies, 'original_ip_detection_extensions', 'early_header_mutation_extensions'),
    unneeded(forProxies, 'internal_address_config', 'skip_xff_append', 'via', 'generate_request_id'),
    unneeded(forProxies, 'preserve_external_request_id', 'always_set_request_id_in_response'),
    unneeded(forProxies, 'forward_client_cert_details', 'set_current_client_cert_details', 'proxy_100_continue'),
    unneeded(forProxies, 'represent_ipv4_remote_address_as_ipv4_mapped_ipv6', 'upgrade_configs', 'normalize_path'),
    unneeded(forProxies, 'request_id_extension'),
    unneeded(forProxies, 'local_reply_config', 'strip_matching_host_port', 'strip_any_host_port'),
    unneeded(forProxies, 'stream_error_on_invalid_http_message', 'path_normalization_options'),
    unneeded(forProxies, 'strip_trailing_host_dot', 'proxy_status_config', 'typed_header_validation_config'),
    unneeded(forProxies, 'append_x_forwarded_port', 'append_local_overload', 'add_proxy_protocol_connection_state'),
  ),
  ofMessage(
    HttpFilterSchema,
    supported('name', 'typed_config', 'is_optional', 'disabled'),
    refused('filters come with their listener only', 'config_discovery'),
  ),
  ofMessage(RdsSchema, supported('config_source', 'route_config_name')),
];
