import type { Cluster, DnsHost, Listener, MeshResources, RetryPolicy, Route, RouteConfiguration } from '@inmesh/core';
import { defaultBackoff } from '@inmesh/core';

/** Istio's defaults for a host with no policy: two more tries where nothing was acted on, on other endpoints. */
const defaultRetry: RetryPolicy = Object.freeze({
  on: new Set(['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'retriable-status-codes'] as const),
  attempts: 2,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  statusCodes: [],
  headers: [],
  requestHeaders: [],
  hostSelectionAttempts: 5,
  backoff: defaultBackoff,
  rateLimitedBackoff: { resetHeaders: [{ name: 'retry-after', format: 'seconds' as const }], maxIntervalMs: 300_000 },
});

const unlimited = Object.freeze({
  maxConnections: Number.POSITIVE_INFINITY,
  maxPendingRequests: Number.POSITIVE_INFINITY,
  maxRequests: Number.POSITIVE_INFINITY,
  maxRetries: Number.POSITIVE_INFINITY,
});

const connectTimeoutMs = 10_000;

/** What a host that was dialled adds to a configuration. */
export interface HostResources {
  readonly listener: Listener;
  readonly clusters: readonly Cluster[];
}

/** The listener, route and cluster of a host that the configuration does not name: balanced over what DNS says of it. */
export function hostResources(host: string, port: number): HostResources {
  const name = `${host}:${port}`;
  const clusterName = `dns|${name}`;
  const cluster: Cluster = Object.freeze({
    name: clusterName,
    discovery: { kind: 'dns', hosts: [dnsHost(host, port)], logical: false } as const,
    loadBalancer: { kind: 'leastRequest', choices: 2 } as const,
    connectTimeoutMs,
    circuitBreakers: { default: unlimited, high: unlimited },
    retryBudget: undefined,
    outlierDetection: undefined,
    panicThresholdPercent: 0,
    localityWeighted: false,
    maxRequestsPerConnection: Number.POSITIVE_INFINITY,
    connectionIdleTimeoutMs: 0,
    maxConnectionDurationMs: 0,
    tcpKeepalive: undefined,
    service: { host, name: host, namespace: 'unknown' },
    transport: { kind: 'plaintext' } as const,
  });
  const listener: Listener = Object.freeze({ name, routes: catchAll(name, clusterName), passthrough: true });
  return { listener, clusters: [cluster] };
}

/** `_http._tcp.name.namespace.svc.cluster.local` asks for the named port of a Service: addresses and ports are in its SRV record. */
export function dnsHost(hostname: string, port: number): DnsHost {
  return /^_[^.]+\._tcp\./.test(hostname) ? { hostname, port, srv: hostname } : { hostname, port };
}

function catchAll(name: string, cluster: string): RouteConfiguration {
  const route: Route = {
    name: 'default',
    match: { path: { kind: 'prefix', value: '/', ignoreCase: false }, headers: [], query: [] },
    action: {
      kind: 'forward',
      targets: [{ cluster, weight: 1 }],
      totalWeight: 1,
      timeoutMs: 0,
      idleTimeoutMs: 0,
      maxStreamDurationMs: 0,
      grpcMaxStreamDurationMs: 0,
      retry: defaultRetry,
      priority: 'default',
      pathRewrite: undefined,
      authorityRewrite: undefined,
      mirrors: [],
      hash: [],
    },
    requestHeaders: [],
    responseHeaders: [],
    fault: undefined,
    cors: undefined,
    rateLimits: [],
  };
  return Object.freeze({ name: `dns|${name}`, virtualHosts: [{ name, domains: ['*'], routes: [route] }] });
}

/** A host that is called by its DNS name alone leaves to the configuration what that names since. */
export function withHosts(base: MeshResources, hosts: Iterable<HostResources>): MeshResources {
  const listeners = new Map(base.listeners);
  const clusters = new Map(base.clusters);
  for (const host of hosts) {
    if (host.listener.passthrough === true && listeners.has(host.listener.name)) continue;
    listeners.set(host.listener.name, host.listener);
    for (const cluster of host.clusters) clusters.set(cluster.name, cluster);
  }
  return { ...base, listeners, clusters };
}

/** Whether all but the assignments are the very same maps. */
export function isSameButForEndpoints(a: MeshResources, b: MeshResources): boolean {
  return a.listeners === b.listeners && a.routes === b.routes && a.clusters === b.clusters;
}

/** The first map itself where there is nothing to join: a copy of 10,000 entries is not free. */
export function joined<Value>(
  some: ReadonlyMap<string, Value>,
  more: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  if (more.size === 0) return some;
  const all = new Map(some);
  for (const [name, value] of more) all.set(name, value);
  return all;
}
