import { Call } from '../call.js';
import type { ClusterHost, EndpointState, EndpointView } from '../cluster-view.js';
import { HeaderList } from '../header-list.js';
import { LocalReply } from '../local-reply.js';
import type { Cluster, Endpoint } from '../model/cluster.js';
import type {
  ForwardAction,
  RetryCondition,
  RetryPolicy,
  Route,
  RouteConfiguration,
  RouteMatch,
} from '../model/route.js';
import type { LocalResponse } from '../service.js';
import { MeshSnapshot } from '../snapshot.js';

/** `overrides.host` and `port` go into the address. */
export function testEndpoint(overrides: Partial<Omit<Endpoint, 'address'>> = {}): Endpoint {
  const { host = '10.0.0.1', port = 8080 } = overrides;
  const address = `${host}:${port}`;
  return { health: 'healthy', weight: 1, workload: undefined, meshTls: false, ...overrides, host, port, address };
}

export function testEndpointView(
  endpoint: Partial<Omit<Endpoint, 'address'>> = {},
  state: Partial<Pick<EndpointState, 'inFlight' | 'removed'>> = {},
  clusterHost: Partial<Omit<ClusterHost, 'address'>> = {},
): EndpointView {
  const built = testEndpoint(endpoint);
  const { address, host, port } = built;
  return {
    endpoint: built,
    priority: 0,
    host: { address, addedAt: 0, ejected: false, ...clusterHost },
    state: { address, host, port, inFlight: 0, removed: false, ...state },
  };
}

/** One view for each entry, at 10.0.0.1, 10.0.0.2 and so on. */
export function testEndpointViews(endpoints: readonly Partial<Omit<Endpoint, 'address' | 'host'>>[]): EndpointView[] {
  return endpoints.map((endpoint, index) => testEndpointView({ ...endpoint, host: `10.0.0.${index + 1}` }));
}

/** Envoy's defaults. */
export const testThresholds = Object.freeze({
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
});

export function testCluster(overrides: Partial<Cluster> = {}): Cluster {
  const { name = 'reviews' } = overrides;
  return {
    name,
    discovery: { kind: 'eds', serviceName: name },
    loadBalancer: { kind: 'roundRobin' },
    connectTimeoutMs: 10_000,
    circuitBreakers: { default: testThresholds, high: testThresholds },
    retryBudget: undefined,
    outlierDetection: undefined,
    panicThresholdPercent: 50,
    localityWeighted: false,
    maxRequestsPerConnection: Number.POSITIVE_INFINITY,
    connectionIdleTimeoutMs: 0,
    maxConnectionDurationMs: 0,
    tcpKeepalive: undefined,
    service: undefined,
    transport: { kind: 'plaintext' },
    ...overrides,
  };
}

/** Forwards everything to the cluster `reviews`, unless told otherwise. */
export function testRoute(
  overrides: Partial<Omit<Route, 'match'>> & { match?: Partial<RouteMatch>; cluster?: string } = {},
): Route {
  const { cluster = 'reviews', match, ...rest } = overrides;
  const path = { kind: 'prefix', value: '/', ignoreCase: false } as const;
  return {
    name: '',
    match: { path, headers: [], query: [], ...match },
    action: testForward({ targets: [{ cluster, weight: 1 }] }),
    requestHeaders: [],
    responseHeaders: [],
    fault: undefined,
    cors: undefined,
    rateLimits: [],
    ...rest,
  };
}

/** To the cluster `reviews`, without timeouts and retries, unless told otherwise. */
export function testForward(overrides: Partial<Omit<ForwardAction, 'kind' | 'totalWeight'>> = {}): ForwardAction {
  const { targets = [{ cluster: 'reviews', weight: 1 }] } = overrides;
  return {
    kind: 'forward',
    timeoutMs: 0,
    idleTimeoutMs: 0,
    maxStreamDurationMs: 0,
    grpcMaxStreamDurationMs: 0,
    retry: undefined,
    priority: 'default',
    pathRewrite: undefined,
    authorityRewrite: undefined,
    mirrors: [],
    hash: [],
    ...overrides,
    targets,
    totalWeight: targets.reduce((sum, { weight }) => sum + weight, 0),
  };
}

/** One virtual host for each entry, named after its first domain; a list of domains has one catch-all route. */
export function testRouteConfiguration(
  virtualHosts: readonly { domains: readonly string[]; routes?: readonly Route[] }[],
  name = 'routes',
): RouteConfiguration {
  return {
    name,
    virtualHosts: virtualHosts.map(({ domains, routes = [testRoute()] }) => ({
      name: domains[0] ?? '',
      domains,
      routes,
    })),
  };
}

/** Two retries of what was never sent, by Envoy's back-off, unless told otherwise. */
export function testRetryPolicy(overrides: Partial<RetryPolicy> = {}): RetryPolicy {
  return {
    on: new Set<RetryCondition>(['connect-failure', 'refused-stream', 'retriable-status-codes']),
    attempts: 2,
    perTryTimeoutMs: 0,
    perTryIdleTimeoutMs: 0,
    statusCodes: [],
    headers: [],
    requestHeaders: [],
    hostSelectionAttempts: 5,
    backoff: { baseMs: 25, maxMs: 250 },
    rateLimitedBackoff: undefined,
    ...overrides,
  };
}

export interface TestCallInit {
  protocol?: 'http' | 'grpc';
  scheme?: 'http' | 'https';
  authority?: string;
  method?: string;
  path?: string;
  /** A list of values makes the header stand more than once. */
  headers?: Readonly<Record<string, string | readonly string[]>>;
  snapshot?: MeshSnapshot;
  startedAt?: number;
  replayable?: boolean;
}

export class TestCall extends Call {
  readonly protocol: 'http' | 'grpc';
  replayable: boolean;

  constructor(init: TestCallInit) {
    super({
      scheme: init.scheme ?? 'http',
      authority: init.authority ?? 'reviews',
      method: init.method ?? 'GET',
      path: init.path ?? '/',
      headers: HeaderList.of(headerEntries(init.headers ?? {})),
      snapshot: init.snapshot ?? emptySnapshot,
      startedAt: init.startedAt ?? 0,
    });
    this.protocol = init.protocol ?? 'http';
    this.replayable = init.replayable ?? true;
  }

  override canReplay(): boolean {
    return this.replayable;
  }

  override shadow(): TestCall {
    const { protocol, scheme, authority, method, path, snapshot, startedAt } = this;
    const copy = new TestCall({ protocol, scheme, authority, method, path, snapshot, startedAt });
    copy.headers.flat.push(...this.headers.flat);
    return copy;
  }

  override respond(response: LocalResponse): LocalReply {
    return new LocalReply(response, () => {});
  }
}

/** `GET http://reviews/` on an empty snapshot, unless told otherwise. */
export function testCall(init: TestCallInit = {}): TestCall {
  return new TestCall(init);
}

function headerEntries(headers: Readonly<Record<string, string | readonly string[]>>): [string, string][] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
}

const emptySnapshot = new MeshSnapshot({
  generation: 0,
  listeners: new Map(),
  routeTables: new Map(),
  clusters: new Map(),
  searchDomains: [],
});
