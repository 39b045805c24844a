import type {
  Cluster,
  FaultPolicy,
  ForwardAction,
  LoadBalancerPolicy,
  LocalityEndpoints,
  MeshResources,
  MirrorPolicy,
  OutlierDetection,
  Random,
  RateLimit,
  RetryCondition,
  RetryPolicy,
  Route,
} from '@inmesh/core';
import {
  testCluster,
  testEndpoint,
  testForward,
  testRateLimit,
  testRetryPolicy,
  testRoute,
  testRouteConfiguration,
} from '@inmesh/core/testing';

const clusterNames = ['v1', 'v2', 'v3'] as const;
const endpointsPerCluster = 12;

/** One for the whole run: its buckets begin anew with other settings. */
const randomLimit: RateLimit = testRateLimit({
  name: 'limited',
  side: 'outbound',
  bucket: { maxTokens: 3, tokensPerFill: 1, fillIntervalMs: 100 },
});

/** Resources drawn at random, and changed at random: endpoints come and go, weights and policies shift. */
export class RandomResources {
  /** Of every server that may ever be named. */
  readonly allAddresses: readonly string[];
  readonly #clusters: Map<string, Cluster>;
  readonly #localities = new Map<string, LocalityEndpoints[]>();
  #reviews: Route;
  #ratings: Route;

  constructor(private readonly draws: Random) {
    this.allAddresses = clusterNames.flatMap((_, cluster) =>
      Array.from({ length: endpointsPerCluster }, (_, index) => `10.0.${cluster}.${index + 1}:80`),
    );
    this.#clusters = new Map(clusterNames.map((name) => [name, this.#cluster(name)]));
    for (const name of clusterNames) this.#localities.set(name, this.#endpoints(name));
    this.#reviews = this.#route(['v1', 'v2']);
    this.#ratings = this.#route(['v3']);
  }

  current(): MeshResources {
    const configuration = (name: string, route: Route) =>
      testRouteConfiguration([{ domains: ['*'], routes: [route] }], name);
    const hosts = [
      ['reviews:80', this.#reviews],
      ['ratings:80', this.#ratings],
    ] as const;
    return {
      listeners: new Map(hosts.map(([name]) => [name, { name, routes: name }])),
      routes: new Map(hosts.map(([name, route]) => [name, configuration(name, route)])),
      clusters: this.#clusters,
      inbound: undefined,
      assignments: new Map(
        [...this.#localities].map(([clusterName, localities]) => [clusterName, { clusterName, localities }]),
      ),
    };
  }

  change(): void {
    const name = this.#oneOf(clusterNames);
    if (this.draws() < 0.6) this.#localities.set(name, this.#endpoints(name));
    else if (this.draws() < 0.4) this.#reviews = this.#route(['v1', 'v2']);
    else if (this.draws() < 0.3) this.#ratings = this.#route(['v3']);
    else this.#clusters.set(name, this.#cluster(name));
  }

  #cluster(name: string): Cluster {
    const limit = () => (this.draws() < 0.3 ? this.#integer(1, 20) : Number.POSITIVE_INFINITY);
    const thresholds = () => ({
      maxConnections: limit(),
      maxPendingRequests: limit(),
      maxRequests: limit(),
      maxRetries: limit(),
    });
    return testCluster({
      name,
      loadBalancer: this.#loadBalancer(),
      circuitBreakers: { default: thresholds(), high: thresholds() },
      panicThresholdPercent: this.#oneOf([0, 0, 50, 100]),
      localityWeighted: this.draws() < 0.3,
      // The same for the whole run: a budget that is replaced begins anew, and the ledger could not tell whose a retry is.
      retryBudget: name === 'v3' ? { percent: 20, minConcurrency: 1 } : undefined,
      outlierDetection: this.draws() < 0.7 ? this.#outlierDetection() : undefined,
    });
  }

  #loadBalancer(): LoadBalancerPolicy {
    const slowStart =
      this.draws() < 0.2 ? { windowMs: this.#integer(1, 10_000), aggression: 1, minWeightPercent: 10 } : undefined;
    return this.#oneOf<LoadBalancerPolicy>([
      { kind: 'roundRobin', slowStart },
      { kind: 'leastRequest', choices: this.#integer(2, 4), slowStart },
      { kind: 'random' },
      { kind: 'ringHash', minimumRingSize: 16, maximumRingSize: 64 },
      { kind: 'maglev', tableSize: 251 },
    ]);
  }

  #outlierDetection(): OutlierDetection {
    const percent = () => this.#oneOf([0, 50, 100]);
    return {
      consecutive5xx: this.#integer(1, 5),
      enforcingConsecutive5xx: percent(),
      consecutiveGatewayFailure: this.#integer(1, 5),
      enforcingConsecutiveGatewayFailure: percent(),
      splitExternalLocalOriginErrors: this.draws() < 0.3,
      consecutiveLocalOriginFailure: this.#integer(1, 5),
      enforcingConsecutiveLocalOriginFailure: percent(),
      intervalMs: this.#integer(100, 3000),
      baseEjectionTimeMs: this.#integer(100, 5000),
      maxEjectionTimeMs: this.#integer(5000, 20_000),
      maxEjectionTimeJitterMs: this.#oneOf([0, 500]),
      maxEjectionPercent: this.#oneOf([10, 50, 100]),
      alwaysEjectOneHost: this.draws() < 0.5,
      successRateMinimumHosts: this.#integer(2, 5),
      successRateRequestVolume: this.#integer(1, 10),
      successRateStdevFactor: 1900,
      enforcingSuccessRate: percent(),
      enforcingLocalOriginSuccessRate: percent(),
      failurePercentageThreshold: this.#integer(10, 90),
      failurePercentageMinimumHosts: this.#integer(1, 5),
      failurePercentageRequestVolume: this.#integer(1, 10),
      enforcingFailurePercentage: percent(),
      enforcingFailurePercentageLocalOrigin: percent(),
      errorStatuses: undefined,
    };
  }

  #endpoints(name: string): LocalityEndpoints[] {
    const cluster = clusterNames.indexOf(name as (typeof clusterNames)[number]);
    const named = Array.from({ length: endpointsPerCluster }, (_, index) => index + 1).filter(() => this.draws() < 0.6);
    const perLocality = Math.ceil(named.length / this.#integer(1, 3));
    const priorities = this.draws() < 0.4;
    const localities: LocalityEndpoints[] = [];
    for (let from = 0; from < named.length; from += perLocality) {
      const index = localities.length;
      localities.push({
        region: 'r',
        zone: `z${index}`,
        subZone: '',
        priority: priorities ? index : 0,
        weight: this.#integer(0, 5),
        endpoints: named.slice(from, from + perLocality).map((last) =>
          testEndpoint({
            host: `10.0.${cluster}.${last}`,
            port: 80,
            weight: this.draws() < 0.3 ? this.#integer(1, 4) : 1,
            health: this.draws() < 0.1 ? this.#oneOf(['unhealthy', 'draining'] as const) : 'healthy',
          }),
        ),
      });
    }
    return localities;
  }

  #route(clusters: readonly string[]): Route {
    return testRoute({
      action: this.#forward(clusters),
      fault: this.draws() < 0.3 ? this.#fault() : undefined,
      rateLimits: this.draws() < 0.3 ? [randomLimit] : [],
    });
  }

  #forward(clusters: readonly string[]): ForwardAction {
    return testForward({
      targets: clusters.map((cluster) => ({ cluster, weight: this.#integer(1, 99) })),
      // Without any limit a hanging server would hold a call for ever.
      timeoutMs: this.#integer(50, 5000),
      maxStreamDurationMs: this.draws() < 0.3 ? this.#integer(50, 5000) : 0,
      idleTimeoutMs: this.draws() < 0.3 ? this.#integer(20, 2000) : 0,
      priority: this.#oneOf(['default', 'default', 'high'] as const),
      retry: this.draws() < 0.8 ? this.#retry() : undefined,
      mirrors: this.draws() < 0.3 ? [this.#mirror()] : [],
      hash: [{ kind: 'header', name: 'x-user', rewrite: undefined, terminal: false }],
    });
  }

  #retry(): RetryPolicy {
    const conditions: RetryCondition[] = ['connect-failure', 'refused-stream', 'reset', '5xx', 'gateway-error'];
    const resetHeaders = [{ name: 'retry-after', format: 'seconds' } as const];
    return testRetryPolicy({
      on: new Set(conditions.filter(() => this.draws() < 0.5)),
      attempts: this.#integer(1, 5),
      perTryTimeoutMs: this.draws() < 0.5 ? this.#integer(20, 500) : 0,
      perTryIdleTimeoutMs: this.draws() < 0.2 ? this.#integer(20, 500) : 0,
      hostSelectionAttempts: this.#integer(0, 5),
      rateLimitedBackoff: this.draws() < 0.3 ? { resetHeaders, maxIntervalMs: 300_000 } : undefined,
    });
  }

  #mirror(): MirrorPolicy {
    return { cluster: this.#oneOf(clusterNames), perMillion: this.#oneOf([500_000, 1_000_000]), shadowSuffix: true };
  }

  #fault(): FaultPolicy {
    const share = () => this.#oneOf([100_000, 500_000]);
    return {
      delay: this.draws() < 0.7 ? { fixedMs: this.#integer(1, 500), perMillion: share() } : undefined,
      abort: this.draws() < 0.5 ? { httpStatus: 418, grpcStatus: undefined, perMillion: share() } : undefined,
      headers: [],
      maxActive: this.#oneOf([1, Number.POSITIVE_INFINITY]),
    };
  }

  #integer(min: number, max: number): number {
    return min + Math.floor(this.draws() * (max - min + 1));
  }

  #oneOf<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.draws() * items.length)]!;
  }
}
