import type { UpstreamTransport } from './tls.js';

/** A new endpoint's weight grows to its own over a window (Envoy `SlowStartConfig`). */
export interface SlowStart {
  readonly windowMs: number;
  /** The weight is multiplied by max(minWeightPercent / 100, (time / window) ^ (1 / aggression)). Default 1. */
  readonly aggression: number;
  /** 0 to 100. Default 10. */
  readonly minWeightPercent: number;
}

export type LoadBalancerPolicy =
  | { readonly kind: 'roundRobin'; readonly slowStart?: SlowStart | undefined }
  | {
      readonly kind: 'leastRequest';
      readonly choices: number;
      /** Where weights differ: weight / (active + 1) ^ bias. Default 1. */
      readonly activeRequestBias?: number | undefined;
      readonly slowStart?: SlowStart | undefined;
    }
  | { readonly kind: 'random' }
  | { readonly kind: 'ringHash'; readonly minimumRingSize: number; readonly maximumRingSize: number }
  /** `tableSize` is a prime, at most 5,000,011. */
  | { readonly kind: 'maglev'; readonly tableSize: number };

/** Envoy's `CircuitBreakers.Thresholds` of one priority; Infinity where there is no limit. */
export interface CircuitBreakerThresholds {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/** By the priority of the route. */
export interface CircuitBreakerSettings {
  readonly default: CircuitBreakerThresholds;
  readonly high: CircuitBreakerThresholds;
}

/**
 * Envoy `OutlierDetection`, every field with Envoy's default where the configuration does not set it. Percents are 0 to 100;
 * an `enforcing` percent is the chance that an ejection that is due is carried out.
 */
export interface OutlierDetection {
  readonly consecutive5xx: number;
  readonly enforcingConsecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly enforcingConsecutiveGatewayFailure: number;
  /** Whether failures of this side (no connection, timeout) are counted apart from answers of the endpoint. */
  readonly splitExternalLocalOriginErrors: boolean;
  readonly consecutiveLocalOriginFailure: number;
  readonly enforcingConsecutiveLocalOriginFailure: number;
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  readonly maxEjectionTimeMs: number;
  readonly maxEjectionTimeJitterMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOneHost: boolean;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  /** In thousandths: 1900 for 1.9. */
  readonly successRateStdevFactor: number;
  readonly enforcingSuccessRate: number;
  readonly enforcingLocalOriginSuccessRate: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  readonly enforcingFailurePercentage: number;
  readonly enforcingFailurePercentageLocalOrigin: number;
  /** Statuses that count as errors instead of 500 to 599 (Istio `outlierDetectionHttpErrorCodes`); undefined for those. */
  readonly errorStatuses: readonly number[] | undefined;
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
  | { readonly kind: 'dns'; readonly hosts: readonly DnsHost[]; readonly logical: boolean }
  /** The endpoints are what the caller dialled, by DNS (Envoy ORIGINAL_DST and the dynamic forward proxy). */
  | { readonly kind: 'dialled' };

export interface DnsHost {
  readonly hostname: string;
  readonly port: number;
  /** When set, the SRV record to read ports and hosts from, e.g. `_http._tcp.name.namespace.svc.cluster.local`. */
  readonly srv?: string | undefined;
  /** Undefined: nowhere, of the highest priority and of weight 1. */
  readonly place?: DnsPlace | undefined;
}

/** Where the addresses of a name are, and how they count, as the configuration says it. */
export interface DnsPlace {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  /** 0 is the highest. */
  readonly priority: number;
  /** Of the whole locality. */
  readonly localityWeight: number;
  /** Of each of the addresses. */
  readonly weight: number;
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
  readonly circuitBreakers: CircuitBreakerSettings;
  /** Undefined: the mesh's own budget, a share of recent requests (GEP-3388). */
  readonly retryBudget: RetryBudgetSettings | undefined;
  /** Undefined: nothing is ejected. */
  readonly outlierDetection: OutlierDetection | undefined;
  /** 0 to 100: with a smaller share of healthy endpoints all are used, healthy or not. Envoy's default is 50, Istio's 0. */
  readonly panicThresholdPercent: number;
  /** Whether the weights of localities count (Envoy `locality_weighted_lb_config`). */
  readonly localityWeighted: boolean;
  /** Infinity for no limit. */
  readonly maxRequestsPerConnection: number;
  /** How long a connection is kept without a request; 0: as the transport sees fit. */
  readonly connectionIdleTimeoutMs: number;
  /** How old a connection may get before it takes no more requests; 0 for no limit. */
  readonly maxConnectionDurationMs: number;
  readonly tcpKeepalive: { readonly timeMs: number | undefined } | undefined;
  readonly service: ServiceIdentity | undefined;
  readonly transport: UpstreamTransport;
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
  /** What the endpoint is called, for `auto_host_rewrite`; undefined when it has only an address. */
  readonly hostname?: string | undefined;
  /** `ip:port`, or `[ip]:port` for IPv6. Identifies the endpoint. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly health: HealthStatus;
  /** At least 1. */
  readonly weight: number;
  readonly workload: WorkloadIdentity | undefined;
  /** Whether it takes the mesh's own TLS (Istio: endpoint metadata `tlsMode: istio`). */
  readonly meshTls: boolean;
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
  /** 140 by default: a priority takes all traffic while 1 / 1.4 of its endpoints are healthy. */
  readonly overprovisioningFactorPercent?: number | undefined;
}
