/** Every name that this package's telemetry gives to the outside: metrics, labels, spans, attributes, headers. */

export const metricNames = {
  /** Istio standard metrics. */
  requests: 'istio_requests_total',
  requestDuration: 'istio_request_duration_milliseconds',
  guardCalls: 'inmesh_guard_calls_total',
  rateLimitStoreUp: 'inmesh_rate_limit_store_up',
  connectionsRefused: 'inmesh_connections_refused_total',
  requestsUnauthenticated: 'inmesh_requests_unauthenticated_total',
  clustersWithoutMetrics: 'inmesh_clusters_without_metrics',
} as const;

/** Envoy's statistics of its RBAC filter, by whether a decision was carried out (`shadow_` where not) and what it was. */
export function rbacMetricName({ allowed, shadow }: { allowed: boolean; shadow: boolean }): string {
  return `envoy_http_rbac_${shadow ? 'shadow_' : ''}${allowed ? 'allowed' : 'denied'}`;
}

export const rbacLabelNames = ['policy'] as const;

/** As Envoy's Prometheus endpoint names the statistics of clusters, e.g. `envoy_cluster_membership_healthy`. */
export function clusterMetricName(statistic: string): string {
  return `envoy_cluster_${statistic}`;
}

export const clusterLabelName = 'envoy_cluster_name';

/** Istio standard metrics, "Labels". The same set stands on both metrics. */
export const istioLabelNames = [
  'reporter',
  'source_workload',
  'source_workload_namespace',
  'source_canonical_service',
  'source_canonical_revision',
  'source_app',
  'source_version',
  'source_principal',
  'source_cluster',
  'destination_workload',
  'destination_workload_namespace',
  'destination_principal',
  'destination_app',
  'destination_version',
  'destination_service',
  'destination_service_name',
  'destination_service_namespace',
  'destination_canonical_service',
  'destination_canonical_revision',
  'destination_cluster',
  'request_protocol',
  'response_code',
  'response_flags',
  'grpc_response_status',
  'connection_security_policy',
] as const;

export type IstioLabelName = (typeof istioLabelNames)[number];

export const guardLabelNames = ['guard', 'outcome'] as const;

/** Milliseconds. Envoy's default histogram buckets, which Istio keeps. */
export const istioBucketsMs: readonly number[] = Object.freeze([
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]);

export const tracerName = 'inmesh';

/** OpenTelemetry semantic conventions (HTTP, stable; gRPC), and this mesh's own below `inmesh.`. */
export const attributeNames = {
  method: 'http.request.method',
  methodOriginal: 'http.request.method_original',
  resendCount: 'http.request.resend_count',
  statusCode: 'http.response.status_code',
  urlFull: 'url.full',
  urlPath: 'url.path',
  urlQuery: 'url.query',
  urlScheme: 'url.scheme',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  peerAddress: 'network.peer.address',
  peerPort: 'network.peer.port',
  errorType: 'error.type',
  rpcSystem: 'rpc.system',
  rpcService: 'rpc.service',
  rpcMethod: 'rpc.method',
  rpcStatus: 'rpc.grpc.status_code',
  cluster: 'inmesh.cluster',
  route: 'inmesh.route',
} as const;

/** W3C Trace Context. */
export const traceHeaders = { parent: 'traceparent', state: 'tracestate' } as const;
