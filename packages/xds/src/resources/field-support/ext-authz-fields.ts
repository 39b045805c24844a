import {
  AuthorizationRequestSchema,
  AuthorizationResponseSchema,
  ExtAuthzSchema,
  GrpcService_EnvoyGrpcSchema,
  GrpcServiceSchema,
  HttpServiceSchema,
  ListStringMatcherSchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

const notSent = 'it is not sent, and the service might decide otherwise without it';

const onlyStatistics = 'it is about statistics of Envoy';

/** Of envoy.extensions.filters.http.ext_authz.v3. */
export const extAuthzFields: readonly MessageSupport[] = [
  ofMessage(
    ExtAuthzSchema,
    supported('grpc_service', 'http_service', 'transport_api_version', 'failure_mode_allow', 'status_on_error'),
    supported('filter_enabled', 'filter_enabled_metadata', 'allowed_headers'),
    refused(notSent, 'with_request_body', 'include_peer_certificate', 'include_tls_session', 'encode_raw_headers'),
    refused(notSent, 'metadata_context_namespaces', 'typed_metadata_context_namespaces'),
    refused(notSent, 'route_metadata_context_namespaces', 'route_typed_metadata_context_namespaces'),
    refused(notSent, 'bootstrap_metadata_labels_key'),
    refused('headers are named that are sent, not those that are not', 'disallowed_headers'),
    refused('there is no Envoy runtime that switches the filter off', 'deny_at_disable'),
    refused('name the headers that the service may write', 'decoder_header_mutation_rules'),
    ignored('a request that passes unasked is not marked', 'failure_mode_allow_header_add'),
    unneeded('headers that HTTP does not allow are never written', 'validate_mutations'),
    unneeded('an incoming request has no route to choose', 'clear_route_cache'),
    unneeded('no filter reads what the service says', 'enable_dynamic_metadata_ingestion'),
    unneeded(onlyStatistics, 'stat_prefix', 'charge_cluster_response_stats'),
  ),
  ofMessage(
    HttpServiceSchema,
    supported('server_uri', 'path_prefix', 'authorization_request', 'authorization_response'),
  ),
  ofMessage(AuthorizationRequestSchema, supported('allowed_headers'), refused(notSent, 'headers_to_add')),
  ofMessage(
    AuthorizationResponseSchema,
    supported('allowed_upstream_headers', 'allowed_client_headers', 'allowed_client_headers_on_success'),
    refused('headers of the service replace those of the request', 'allowed_upstream_headers_to_append'),
    refused('no filter reads them', 'dynamic_metadata_from_headers'),
  ),
  ofMessage(ListStringMatcherSchema, supported('patterns')),
  ofMessage(
    GrpcServiceSchema,
    supported('envoy_grpc', 'timeout'),
    refused('name a cluster by envoy_grpc', 'google_grpc'),
    refused(notSent, 'initial_metadata'),
    ignored('the service is asked once', 'retry_policy'),
  ),
  ofMessage(
    GrpcService_EnvoyGrpcSchema,
    supported('cluster_name'),
    unneeded('the cluster says which host is asked', 'authority'),
    ignored('the service is asked once', 'retry_policy'),
    unneeded('answers are small', 'max_receive_message_length', 'skip_envoy_headers'),
  ),
];
