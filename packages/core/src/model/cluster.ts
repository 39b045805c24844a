export type LoadBalancerPolicy =
  | { readonly kind: 'roundRobin' }
  | { readonly kind: 'leastRequest'; readonly choices: number }
  | { readonly kind: 'random' };

/** Envoy's `CircuitBreakers.Thresholds` of the default priority; Infinity where there is no limit. */
export interface CircuitBreakerThresholds {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/** Retries allowed at once: max(minConcurrency, percent of active and pending requests) (Envoy `RetryBudget`). */
export interface RetryBudgetSettings {
  /** 0 to 100. */
  readonly percent: number;
  readonly minConcurrency: number;
}

export type ClusterDiscovery =
  /** Endpoints come in an assignment of this name. */
  | { readonly kind: 'eds'; readonly serviceName: string }
  /** Endpoints are in the cluster itself. */
  | { readonly kind: 'static'; readonly assignment: ClusterLoadAssignment }
  /** Endpoints are what these names resolve to. `logical`: one endpoint at a time, the first address. */
  | { readonly kind: 'dns'; readonly hosts: readonly DnsHost[]; readonly logical: boolean };

export interface DnsHost {
  readonly hostname: string;
  readonly port: number;
  /** When set, the SRV record to read ports and hosts from, e.g. `_http._tcp.name.namespace.svc.cluster.local`. */
  readonly srv?: string | undefined;
}

/** What metrics say of a cluster's destination (Istio `destination_service*`). */
export interface ServiceIdentity {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

export interface Cluster {
  /** Istio's form where it comes from Istio's kinds: `outbound|PORT|SUBSET|HOST`. */
  readonly name: string;
  readonly discovery: ClusterDiscovery;
  readonly loadBalancer: LoadBalancerPolicy;
  readonly connectTimeoutMs: number;
  readonly circuitBreakers: CircuitBreakerThresholds;
  /** Undefined: the mesh's own budget, a share of recent requests (GEP-3388). */
  readonly retryBudget: RetryBudgetSettings | undefined;
  readonly maxRequestsPerConnection: number;
  readonly service: ServiceIdentity | undefined;
}

export type HealthStatus = 'healthy' | 'unhealthy' | 'draining';

/** What metrics say of the workload behind an endpoint (Istio `destination_workload*`, `destination_canonical_*`). */
export interface WorkloadIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  readonly cluster: string;
}

export interface Endpoint {
  /** `ip:port`, or `[ip]:port` for IPv6. Identifies the endpoint. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly health: HealthStatus;
  /** At least 1. */
  readonly weight: number;
  readonly workload: WorkloadIdentity | undefined;
}

export interface LocalityEndpoints {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  /** 0 is the highest. */
  readonly priority: number;
  readonly weight: number;
  readonly endpoints: readonly Endpoint[];
}

export interface ClusterLoadAssignment {
  readonly clusterName: string;
  readonly localities: readonly LocalityEndpoints[];
}
