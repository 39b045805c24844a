import { create } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { type ClusterInit, clusterMessage, lbEndpoint, problemsOf, someAny } from '../../test/fixtures.js';
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterHttpProtocolOptionsSchema,
  LeastRequestSchema,
  MaglevSchema,
  RandomSchema,
  RawBufferSchema,
  RoundRobinSchema,
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
    expect(decode()).toMatchObject({
      ok: true,
      warnings: [],
      value: {
        name: 'c',
        discovery: { kind: 'eds', serviceName: 'c' },
        loadBalancer: { kind: 'roundRobin' },
        connectTimeoutMs: 5000,
        circuitBreakers: {
          default: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 },
        },
        retryBudget: undefined,
        maxRequestsPerConnection: Number.POSITIVE_INFINITY,
        service: undefined,
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
      'transport_socket: "tls" is not supported yet, only plain TCP is',
    ]);
    const matches = [{ transportSocket: { name: 'raw', configType: plain } }, { transportSocket: { name: 'tls' } }];
    expect(problemsOf(decode({ transportSocketMatches: matches }))).toEqual([
      'transport_socket_matches[1].transport_socket: "tls" is not supported yet, only plain TCP is',
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
    expect(decode({ outlierDetection: {}, healthChecks: [{}] })).toMatchObject({
      ok: true,
      warnings: [{ path: 'outlier_detection' }, { path: 'health_checks' }],
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

  it('are behind exactly one name with logical DNS', () => {
    expect(ofType(Cluster_DiscoveryType.LOGICAL_DNS, 'a')).toMatchObject({ value: { discovery: { logical: true } } });
    expect(problemsOf(ofType(Cluster_DiscoveryType.LOGICAL_DNS, 'a', 'b'))).toEqual([
      'load_assignment: must have exactly one endpoint',
    ]);
  });

  it('are refused of other kinds', () => {
    expect(problemsOf(ofType(Cluster_DiscoveryType.ORIGINAL_DST))[0]).toContain('type: ORIGINAL_DST');
    expect(problemsOf(ofType(99 as Cluster_DiscoveryType))).toEqual(['type: 99 is unknown']);
    const custom = decode({
      clusterDiscoveryType: { case: 'clusterType', value: { name: 'envoy.clusters.aggregate' } },
    });
    expect(problemsOf(custom)).toEqual(['cluster_type: "envoy.clusters.aggregate" is not supported']);
  });
});

describe('the load balancer of a cluster', () => {
  const list = (...policies: Any[]): ClusterInit => ({
    loadBalancingPolicy: {
      policies: policies.map((typedConfig) => ({ typedExtensionConfig: { name: 'p', typedConfig } })),
    },
  });

  it('is chosen by lb_policy', () => {
    const choices = { case: 'leastRequestLbConfig', value: { choiceCount: 4 } } as const;
    expect(decode({ lbPolicy: Cluster_LbPolicy.RANDOM })).toMatchObject({
      value: { loadBalancer: { kind: 'random' } },
    });
    expect(decode({ lbPolicy: Cluster_LbPolicy.LEAST_REQUEST })).toMatchObject({
      value: { loadBalancer: { kind: 'leastRequest', choices: 2 } },
    });
    expect(decode({ lbPolicy: Cluster_LbPolicy.LEAST_REQUEST, lbConfig: choices })).toMatchObject({
      value: { loadBalancer: { choices: 4 } },
    });
  });

  it('is the first of the list that is known', () => {
    const maglev = anyPack(MaglevSchema, create(MaglevSchema));
    const least = anyPack(LeastRequestSchema, create(LeastRequestSchema, { choiceCount: 3 }));
    const roundRobin = anyPack(RoundRobinSchema, create(RoundRobinSchema));
    const random = anyPack(RandomSchema, create(RandomSchema));
    expect(decode(list(someAny(), maglev, least, roundRobin))).toMatchObject({
      value: { loadBalancer: { kind: 'leastRequest', choices: 3 } },
      warnings: [],
    });
    expect(decode(list(random, roundRobin))).toMatchObject({ value: { loadBalancer: { kind: 'random' } } });
  });

  it.each([Cluster_LbPolicy.RING_HASH, Cluster_LbPolicy.MAGLEV, 77 as Cluster_LbPolicy])(
    'is round robin, with a warning, for policy %i',
    (lbPolicy) => {
      expect(decode({ lbPolicy })).toMatchObject({
        value: { loadBalancer: { kind: 'roundRobin' } },
        warnings: [{ path: 'lb_policy' }],
      });
    },
  );

  it('falls back to lb_policy, with a warning, when nothing of the list is known', () => {
    expect(decode({ ...list(someAny()), lbPolicy: Cluster_LbPolicy.RANDOM })).toMatchObject({
      value: { loadBalancer: { kind: 'random' } },
      warnings: [{ path: 'load_balancing_policy' }],
    });
  });

  it('needs two choices or more', () => {
    const least = anyPack(LeastRequestSchema, create(LeastRequestSchema, { choiceCount: 1 }));
    expect(problemsOf(decode(list(least)))[0]).toContain('1 choices are less than two');
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
