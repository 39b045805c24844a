import { create } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { type ClusterInit, clusterMessage, lbEndpoint, problemsOf, someAny } from '../../test/fixtures.js';
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterHttpProtocolOptionsSchema,
  RawBufferSchema,
  RoutingPriority,
  UpstreamTlsContextSchema,
} from '../messages.js';
import { decodeCluster } from './decode-cluster.js';

const decode = (init: ClusterInit = {}) => decodeCluster(clusterMessage('c', init));

const noLimit = 0xffff_ffff;

const ofType = (value: Cluster_DiscoveryType, ...hosts: string[]) =>
  decode({
    clusterDiscoveryType: { case: 'type', value },
    loadAssignment: { endpoints: [{ lbEndpoints: hosts.map((host) => lbEndpoint(host, 80)) }] },
  });

describe('a cluster', () => {
  it('has Envoy’s defaults', () => {
    const limits = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };
    expect(decode()).toEqual({
      ok: true,
      warnings: [],
      value: {
        name: 'c',
        discovery: { kind: 'eds', serviceName: 'c' },
        loadBalancer: { kind: 'roundRobin' },
        connectTimeoutMs: 5000,
        circuitBreakers: { default: limits, high: limits },
        retryBudget: undefined,
        outlierDetection: undefined,
        panicThresholdPercent: 50,
        localityWeighted: false,
        connectionIdleTimeoutMs: 0,
        maxConnectionDurationMs: 0,
        tcpKeepalive: undefined,
        maxRequestsPerConnection: Number.POSITIVE_INFINITY,
        service: undefined,
        transport: { kind: 'plaintext' },
      },
    });
  });

  it('collects all its errors', () => {
    const result = decode({ name: '', connectTimeout: { seconds: -2n }, edsClusterConfig: {} });
    expect(problemsOf(result)).toEqual([
      'name: must not be empty',
      'eds_cluster_config.eds_config: should be "ads" or "self"',
      'connect_timeout: must not be negative',
    ]);
  });

  it('cannot have no time to connect', () => {
    expect(problemsOf(decode({ connectTimeout: {} }))).toEqual(['connect_timeout: must be more than zero']);
  });

  it('is refused when it asks for TLS, and never used without', () => {
    const tls = {
      case: 'typedConfig',
      value: anyPack(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema)),
    } as const;
    const plain = { case: 'typedConfig', value: anyPack(RawBufferSchema, create(RawBufferSchema)) } as const;
    expect(problemsOf(decode({ transportSocket: { name: 'tls', configType: tls } }))).toEqual([
      'transport_socket.typed_config.common_tls_context: is missing: without it any certificate would be taken',
    ]);
    const matches = [
      { match: { tlsMode: 'istio' }, transportSocket: { name: 'raw', configType: plain } },
      { transportSocket: { name: 'tls' } },
    ];
    expect(problemsOf(decode({ transportSocketMatches: matches }))).toEqual([
      'transport_socket_matches[1].transport_socket: "tls" has no configuration',
    ]);
    expect(decode({ transportSocket: { name: 'raw', configType: plain } }).ok).toBe(true);
  });

  it('knows the service that Istio writes down', () => {
    const service = { host: 'r.ns.svc', name: 'r', namespace: 'ns' };
    expect(decode({ metadata: { filterMetadata: { istio: { services: [service, {}] } } } })).toMatchObject({
      value: { service },
    });
    expect(decode({ metadata: { filterMetadata: { istio: { services: 'x' } } } })).toMatchObject({
      value: { service: undefined },
    });
    expect(decode({ metadata: { filterMetadata: { istio: { services: [{ name: 1 }] } } } })).toMatchObject({
      value: { service: { host: '', name: '', namespace: '' } },
    });
  });

  it('limits requests on a connection by either field', () => {
    const options = create(ClusterHttpProtocolOptionsSchema, {
      commonHttpProtocolOptions: { maxRequestsPerConnection: 7 },
    });
    const any = anyPack(ClusterHttpProtocolOptionsSchema, options);
    const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
    expect(decode({ maxRequestsPerConnection: 5 })).toMatchObject({ value: { maxRequestsPerConnection: 5 } });
    expect(decode({ maxRequestsPerConnection: 0 })).toMatchObject({
      value: { maxRequestsPerConnection: Number.POSITIVE_INFINITY },
    });
    expect(decode({ maxRequestsPerConnection: 5, typedExtensionProtocolOptions: { [key]: any } })).toMatchObject({
      value: { maxRequestsPerConnection: 7 },
    });
    const broken: Any = { ...any, value: new Uint8Array([0xff]) };
    expect(problemsOf(decode({ typedExtensionProtocolOptions: { [key]: broken } }))[0]).toContain('malformed protobuf');
  });

  it('warns of what it ignores', () => {
    expect(decode({ healthChecks: [{}], lbSubsetConfig: {}, filters: [{}] })).toMatchObject({
      ok: true,
      warnings: [
        { path: 'health_checks' },
        { path: 'lb_subset_config', message: 'is ignored: requests go to all endpoints' },
        { path: 'filters' },
      ],
    });
  });

  it('has a panic threshold in whole percents', () => {
    const panic = (value: number) => decode({ commonLbConfig: { healthyPanicThreshold: { value } } });
    expect(panic(33.9)).toMatchObject({ value: { panicThresholdPercent: 33 } });
    expect(panic(0)).toMatchObject({ value: { panicThresholdPercent: 0 } });
    expect(decode({ commonLbConfig: {} })).toMatchObject({ value: { panicThresholdPercent: 50 } });
    expect(problemsOf(panic(101))).toEqual(['common_lb_config.healthy_panic_threshold: 101 is not between 0 and 100']);
  });

  it('keeps connections alive', () => {
    const keepalive = (init: { keepaliveTime?: number; keepaliveProbes?: number }) =>
      decode({ upstreamConnectionOptions: { tcpKeepalive: init } });
    expect(keepalive({ keepaliveTime: 7 })).toMatchObject({ value: { tcpKeepalive: { timeMs: 7000 } }, warnings: [] });
    expect(keepalive({ keepaliveProbes: 3 })).toMatchObject({
      value: { tcpKeepalive: { timeMs: undefined } },
      warnings: [{ path: 'upstream_connection_options.tcp_keepalive.keepalive_probes' }],
    });
    expect(keepalive({ keepaliveTime: 0 })).toMatchObject({ value: { tcpKeepalive: undefined } });
    expect(decode({ upstreamConnectionOptions: {} })).toMatchObject({ value: { tcpKeepalive: undefined } });
  });

  it('limits the life of connections by either field', () => {
    const seconds = (value: number) => ({ seconds: BigInt(value) });
    const deprecated = { idleTimeout: seconds(1), maxConnectionDuration: seconds(2), maxStreamDuration: seconds(3) };
    const options = create(ClusterHttpProtocolOptionsSchema, {
      commonHttpProtocolOptions: { idleTimeout: seconds(9) },
    });
    const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
    const any = anyPack(ClusterHttpProtocolOptionsSchema, options);
    expect(decode({ commonHttpProtocolOptions: deprecated })).toMatchObject({
      value: { connectionIdleTimeoutMs: 1000, maxConnectionDurationMs: 2000 },
      warnings: [{ path: 'common_http_protocol_options.max_stream_duration' }],
    });
    const both = { commonHttpProtocolOptions: deprecated, typedExtensionProtocolOptions: { [key]: any, other: any } };
    expect(decode(both)).toMatchObject({
      value: { connectionIdleTimeoutMs: 9000, maxConnectionDurationMs: 2000 },
      warnings: [
        { path: 'typed_extension_protocol_options["other"]' },
        { path: 'common_http_protocol_options.max_stream_duration' },
      ],
    });
  });
});

describe('the endpoints of a cluster', () => {
  it('come under another name when it says so', () => {
    const ads = { configSourceSpecifier: { case: 'self', value: {} } } as const;
    expect(decode({ edsClusterConfig: { edsConfig: ads, serviceName: 's' } })).toMatchObject({
      value: { discovery: { kind: 'eds', serviceName: 's' } },
    });
  });

  it('are in the cluster itself', () => {
    expect(ofType(Cluster_DiscoveryType.STATIC, '10.0.0.1')).toMatchObject({
      value: {
        discovery: {
          kind: 'static',
          assignment: { clusterName: 'c', localities: [{ endpoints: [{ address: '10.0.0.1:80' }] }] },
        },
      },
    });
    expect(problemsOf(ofType(Cluster_DiscoveryType.STATIC, 'name'))).toEqual([
      'load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address: "name" is not an IP address',
    ]);
    const without = decode({ clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC } });
    expect(problemsOf(without)).toEqual(['load_assignment: is missing']);
  });

  it('are what names resolve to', () => {
    expect(ofType(Cluster_DiscoveryType.STRICT_DNS, 'A.example', 'b.example')).toMatchObject({
      value: {
        discovery: {
          kind: 'dns',
          logical: false,
          hosts: [
            { hostname: 'a.example', port: 80 },
            { hostname: 'b.example', port: 80 },
          ],
        },
      },
    });
  });

  it('are where their locality is, and as heavy as it says', () => {
    const { loadAssignment } = clusterMessage('c', {
      loadAssignment: {
        endpoints: [
          {
            locality: { region: 'eu', zone: 'a' },
            priority: 0,
            loadBalancingWeight: 7,
            lbEndpoints: [
              {
                hostIdentifier: {
                  case: 'endpoint',
                  value: {
                    address: {
                      address: {
                        case: 'socketAddress',
                        value: { address: 'a', portSpecifier: { case: 'portValue', value: 80 } },
                      },
                    },
                  },
                },
                loadBalancingWeight: 3,
              },
            ],
          },
        ],
      },
    });
    const clusterDiscoveryType = { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } as const;
    const place = { region: 'eu', zone: 'a', subZone: '', priority: 0, localityWeight: 7, weight: 3 };
    expect(decode({ clusterDiscoveryType, loadAssignment: loadAssignment! })).toMatchObject({
      value: { discovery: { hosts: [{ hostname: 'a', port: 80, place }] } },
    });
  });

  it('are behind exactly one name with logical DNS', () => {
    expect(ofType(Cluster_DiscoveryType.LOGICAL_DNS, 'a')).toMatchObject({ value: { discovery: { logical: true } } });
    expect(problemsOf(ofType(Cluster_DiscoveryType.LOGICAL_DNS, 'a', 'b'))).toEqual([
      'load_assignment: must have exactly one endpoint',
    ]);
  });

  it('are what the caller dials, of two kinds', () => {
    const dialled = { value: { discovery: { kind: 'dialled' }, loadBalancer: { kind: 'roundRobin' } }, warnings: [] };
    const lbPolicy = Cluster_LbPolicy.CLUSTER_PROVIDED;
    const original = { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST } as const;
    expect(decode({ clusterDiscoveryType: original, lbPolicy })).toMatchObject(dialled);
    const forward = (value: { name: string; typedConfig?: Any }) =>
      decode({ clusterDiscoveryType: { case: 'clusterType', value }, lbPolicy });
    const typeUrl = 'type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';
    expect(forward({ name: 'envoy.clusters.dynamic_forward_proxy' })).toMatchObject(dialled);
    expect(forward({ name: 'dfp', typedConfig: { ...someAny(), typeUrl } })).toMatchObject(dialled);
    expect(forward({ name: 'envoy.clusters.dynamic_forward_proxy', typedConfig: someAny() }).ok).toBe(false);
  });

  it('are refused of other kinds', () => {
    expect(problemsOf(ofType(99 as Cluster_DiscoveryType))).toEqual(['type: 99 is unknown']);
    const custom = decode({
      clusterDiscoveryType: { case: 'clusterType', value: { name: 'envoy.clusters.aggregate' } },
    });
    expect(problemsOf(custom)).toEqual(['cluster_type: "envoy.clusters.aggregate" is not supported']);
  });
});

describe('the limits of a cluster', () => {
  it('are those of the default priority, with no limit for the largest number', () => {
    const thresholds = [
      { priority: RoutingPriority.HIGH, maxRequests: 1 },
      { maxRequests: 10, maxConnections: noLimit, maxRetries: 0 },
    ];
    expect(decode({ circuitBreakers: { thresholds } })).toMatchObject({
      value: {
        circuitBreakers: {
          default: {
            maxConnections: Number.POSITIVE_INFINITY,
            maxPendingRequests: 1024,
            maxRequests: 10,
            maxRetries: 0,
          },
        },
      },
    });
  });

  it('of a priority that is not mentioned are Envoy’s, not those of the other', () => {
    const envoys = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };
    const limits = (...thresholds: { priority: RoutingPriority; maxRequests: number }[]) =>
      decode({ circuitBreakers: { thresholds } });
    expect(limits({ priority: RoutingPriority.DEFAULT, maxRequests: 1 })).toMatchObject({
      value: { circuitBreakers: { default: { ...envoys, maxRequests: 1 }, high: envoys } },
    });
    expect(limits({ priority: RoutingPriority.HIGH, maxRequests: 9 })).toMatchObject({
      value: { circuitBreakers: { default: envoys, high: { ...envoys, maxRequests: 9 } } },
    });
  });

  it('warn of a budget of the high priority, and of limits for each endpoint', () => {
    const thresholds = [{ priority: RoutingPriority.HIGH, retryBudget: {} }];
    expect(decode({ circuitBreakers: { thresholds, perHostThresholds: [{}] } })).toMatchObject({
      value: { retryBudget: undefined },
      warnings: [
        { path: 'circuit_breakers.per_host_thresholds' },
        { path: 'circuit_breakers.thresholds[0].retry_budget' },
      ],
    });
  });

  it('have a retry budget with Envoy’s defaults', () => {
    expect(decode({ circuitBreakers: { thresholds: [{ retryBudget: {} }] } })).toMatchObject({
      value: {
        retryBudget: { percent: 20, minConcurrency: 3 },
        circuitBreakers: { default: { maxRetries: Number.POSITIVE_INFINITY } },
      },
    });
  });

  it.each([Number.NaN, -1, 100.5, Number.POSITIVE_INFINITY])('refuse a retry budget of %d percent', (value) => {
    const result = decode({ circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value } } }] } });
    expect(problemsOf(result)).toEqual([
      `circuit_breakers.thresholds[0].retry_budget.budget_percent: ${value} is not between 0 and 100`,
    ]);
  });
});
