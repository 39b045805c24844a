import { fromBinary, toJson } from '@bufbuild/protobuf';
import {
  CircuitBreakersSchema,
  type Cluster,
  ClusterHttpProtocolOptionsSchema,
  LeastRequestSchema,
  MaglevSchema,
  OutlierDetectionSchema,
  UpstreamConnectionOptionsSchema,
} from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, loadWith, service } from '../../test/support.js';

function rule(spec: string, metadata = 'name: shop'): string {
  return `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { ${metadata} }
spec:
  host: shop.default.svc.cluster.local
${spec.replace(/^/gm, '  ')}
`;
}

function clusterWith(policy: string, port = 80): Cluster {
  const loaded = load(service('shop', 80, 90), rule(`trafficPolicy:\n${policy.replace(/^/gm, '  ')}`));
  expect(loaded.issues).toEqual([]);
  return loaded.resources.clusters.get(`outbound|${port}||shop.default.svc.cluster.local`)!;
}

function issuesWith(policy: string): string[] {
  return issuesOf(service('shop', 80), rule(`trafficPolicy:\n${policy.replace(/^/gm, '  ')}`));
}

function outlierOf(fields: string) {
  return toJson(OutlierDetectionSchema, clusterWith(`outlierDetection: { ${fields} }`).outlierDetection!);
}

describe('outlierDetection', () => {
  it('turns success rate off and leaves the rest to Envoy', () => {
    expect(outlierOf('interval: 2s, baseEjectionTime: 3m, maxEjectionPercent: 100')).toEqual({
      enforcingSuccessRate: 0,
      interval: '2s',
      baseEjectionTime: '180s',
      maxEjectionPercent: 100,
    });
  });

  it.each([
    ['consecutive5xxErrors: 2', { consecutive5xx: 2, enforcingConsecutive5xx: 100 }],
    ['consecutive5xxErrors: 0', { consecutive5xx: 0, enforcingConsecutive5xx: 0 }],
    ['consecutiveGatewayErrors: 3', { consecutiveGatewayFailure: 3, enforcingConsecutiveGatewayFailure: 100 }],
    ['consecutiveGatewayErrors: 0', { consecutiveGatewayFailure: 0, enforcingConsecutiveGatewayFailure: 0 }],
    ['consecutiveLocalOriginFailures: 3', {}],
    [
      'splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3',
      {
        splitExternalLocalOriginErrors: true,
        consecutiveLocalOriginFailure: 3,
        enforcingConsecutiveLocalOriginFailure: 100,
        enforcingLocalOriginSuccessRate: 0,
      },
    ],
  ])('counts errors as Istio does: %s', (fields, expected) => {
    expect(outlierOf(fields)).toEqual({ enforcingSuccessRate: 0, ...expected });
  });

  it('never sends to unhealthy endpoints, but for minHealthPercent', () => {
    const threshold = (policy: string) => clusterWith(policy).commonLbConfig?.healthyPanicThreshold?.value;
    expect(threshold('connectionPool: {}')).toBe(0);
    expect(threshold('outlierDetection: {}')).toBe(0);
    expect(threshold('outlierDetection: { minHealthPercent: 30 }')).toBe(30);
  });

  it('says that consecutiveErrors has no effect', () => {
    expect(issuesWith('outlierDetection: { consecutiveErrors: 1 }')).toEqual([
      expect.stringMatching(/spec\.trafficPolicy\.outlierDetection\.consecutiveErrors: .*consecutive5xxErrors/),
    ]);
  });
});

function hashOf(consistentHash: string) {
  const loaded = load(
    service('shop', 80),
    rule(`trafficPolicy: { loadBalancer: { consistentHash: ${consistentHash} } }`),
  );
  expect(loaded.issues).toEqual([]);
  const name = 'shop.default.svc.cluster.local';
  const action = loaded.resources.routes.get(`${name}:80`)!.virtualHosts[0]!.routes[0]!.action;
  const cluster = loaded.resources.clusters.get(`outbound|80||${name}`)!;
  return { cluster, policies: action.case === 'route' ? action.value.hashPolicy.map((p) => p.policySpecifier) : [] };
}

describe('consistentHash', () => {
  it.each([
    ['{ httpHeaderName: x-user }', 'header', { headerName: 'x-user' }],
    ['{ httpCookie: { name: u } }', 'cookie', { name: 'u', path: '' }],
    ['{ httpCookie: { name: u, path: /, ttl: 0s } }', 'cookie', { name: 'u', path: '/', ttl: { seconds: 0n } }],
    ['{ useSourceIp: true }', 'connectionProperties', { sourceIp: true }],
    ['{ httpQueryParameterName: user }', 'queryParameter', { name: 'user' }],
  ])('takes the key from the request: %s', (hash, kind, value) => {
    const { policies } = hashOf(hash);
    expect(policies).toMatchObject([{ case: kind, value }]);
  });

  it.each([
    ['{ useSourceIp: true }', 1024n],
    ['{ useSourceIp: true, minimumRingSize: 2000 }', 2000n],
    ['{ useSourceIp: true, ringHash: { minimumRingSize: 3000 } }', 3000n],
    ['{ useSourceIp: true, ringHash: {}, minimumRingSize: 2000 }', 1024n],
  ])('makes a ring: %s', (hash, minimumRingSize) => {
    const { lbPolicy, lbConfig } = hashOf(hash).cluster;
    expect([lbPolicy, lbConfig]).toMatchObject([2, { case: 'ringHashLbConfig', value: { minimumRingSize } }]);
  });

  it('makes a Maglev table, with a ring for clients that have none', () => {
    const { cluster } = hashOf('{ useSourceIp: true, maglev: { tableSize: 7 } }');
    const configs = cluster.loadBalancingPolicy!.policies.map(({ typedExtensionConfig }) => typedExtensionConfig!);
    expect(configs.map(({ name }) => name.split('.').at(-1))).toEqual(['maglev', 'ring_hash']);
    expect(fromBinary(MaglevSchema, configs[0]!.typedConfig!.value).tableSize).toBe(7n);
  });

  it.each([
    ['{}', /consistentHash: has no key \(add httpHeaderName/],
    ['{ useSourceIp: false }', /consistentHash: has no key/],
    ['{ httpHeaderName: a, useSourceIp: true }', /only one of httpHeaderName, useSourceIp may be given/],
    ['{ useSourceIp: true, ringHash: {}, maglev: {} }', /only one of ringHash, maglev may be given/],
    ['{ useSourceIp: true, maglev: { tableSize: 8 } }', /maglev\.tableSize: should be a prime up to 5000011/],
    ['{ httpCookie: { path: / } }', /httpCookie\.name: is missing/],
  ])('is checked: %s', (hash, expected) => {
    const [first, ...more] = issuesWith(`loadBalancer: { consistentHash: ${hash} }`);
    expect([first, more]).toEqual([expect.stringMatching(expected), []]);
    expect(first).toMatch(/spec\.trafficPolicy\.loadBalancer\.consistentHash/);
  });

  it('has no use for warming up', () => {
    expect(issuesWith('loadBalancer: { consistentHash: { useSourceIp: true }, warmup: { duration: 1s } }')).toEqual([
      expect.stringMatching(/loadBalancer\.warmup: has no effect with consistentHash/),
    ]);
  });
});

describe('warmup', () => {
  const slowStartOf = (loadBalancer: string) => {
    const { lbConfig, loadBalancingPolicy } = clusterWith(`loadBalancer: ${loadBalancer}`);
    if (lbConfig.case === 'roundRobinLbConfig') return lbConfig.value.slowStartConfig;
    const [first] = loadBalancingPolicy!.policies;
    return fromBinary(LeastRequestSchema, first!.typedExtensionConfig!.typedConfig!.value).slowStartConfig;
  };

  it.each([
    ['{ warmupDurationSecs: 30s }', { slowStartWindow: { seconds: 30n } }],
    ['{ simple: ROUND_ROBIN, warmupDurationSecs: 30s }', { slowStartWindow: { seconds: 30n } }],
    [
      '{ simple: LEAST_REQUEST, warmup: { duration: 1m, minimumPercent: 5, aggression: 2 } }',
      { slowStartWindow: { seconds: 60n }, aggression: { defaultValue: 2 }, minWeightPercent: { value: 5 } },
    ],
  ])('is slow start: %s', (loadBalancer, expected) => {
    expect(slowStartOf(loadBalancer)).toMatchObject(expected);
  });
});

describe('connectionPool', () => {
  const poolOf = (pool: string) => clusterWith(`connectionPool: ${pool}`);
  const commonOf = (cluster: Cluster) => {
    const [options] = Object.values(cluster.typedExtensionProtocolOptions);
    return options && fromBinary(ClusterHttpProtocolOptionsSchema, options.value).commonHttpProtocolOptions;
  };

  it('limits how long connections live', () => {
    expect(commonOf(poolOf('{ tcp: { idleTimeout: 5s, maxConnectionDuration: 1h } }'))).toMatchObject({
      idleTimeout: { seconds: 5n },
      maxConnectionDuration: { seconds: 3600n },
    });
    expect(commonOf(poolOf('{ tcp: { idleTimeout: 5s }, http: { idleTimeout: 7s } }'))).toMatchObject({
      idleTimeout: { seconds: 7n },
    });
    expect(commonOf(poolOf('{ tcp: { connectTimeout: 5s } }'))).toBeUndefined();
  });

  it('keeps connections alive by TCP', () => {
    const { upstreamConnectionOptions } = poolOf(
      '{ tcp: { tcpKeepalive: { probes: 3, time: 7200s, interval: 75s } } }',
    );
    expect(toJson(UpstreamConnectionOptionsSchema, upstreamConnectionOptions!)).toEqual({
      tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 7200, keepaliveInterval: 75 },
    });
    expect(poolOf('{}').upstreamConnectionOptions).toBeUndefined();
  });

  it('limits the default priority alone', () => {
    const { circuitBreakers } = poolOf(
      '{ tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 2, maxRetries: 4 } }',
    );
    expect(toJson(CircuitBreakersSchema, circuitBreakers!)).toEqual({
      thresholds: [{ maxConnections: 1, maxPendingRequests: 2, maxRequests: 0xffff_ffff, maxRetries: 4 }],
    });
  });
});

describe('Settings of a port', () => {
  it('replace those of the rule as a whole', () => {
    const policy = `outlierDetection: { consecutive5xxErrors: 1 }
loadBalancer: { simple: RANDOM }
portLevelSettings: [{ port: { number: 90 }, connectionPool: { tcp: { maxConnections: 5 } } }]`;
    expect(clusterWith(policy, 80).outlierDetection).toBeDefined();
    const ofPort = clusterWith(policy, 90);
    expect(ofPort.outlierDetection).toBeUndefined();
    expect(ofPort.circuitBreakers!.thresholds[0]!.maxConnections).toBe(5);
    expect(ofPort.loadBalancingPolicy!.policies[0]!.typedExtensionConfig!.name).toMatch(/least_request$/);
  });

  it('are given once', () => {
    expect(issuesWith('portLevelSettings: [{ port: { number: 80 } }, { port: { number: 80 } }]')).toEqual([
      expect.stringMatching(/spec\.trafficPolicy\.portLevelSettings\[1\]\.port\.number: port 80 is there twice/),
    ]);
  });
});

describe('The balancer PASSTHROUGH', () => {
  it('calls what DNS says of the host', () => {
    const { clusterDiscoveryType, loadAssignment } = clusterWith('loadBalancer: { simple: PASSTHROUGH }');
    expect(clusterDiscoveryType).toEqual({ case: 'type', value: 1 });
    const endpoint = loadAssignment!.endpoints[0]!.lbEndpoints[0]!.hostIdentifier;
    expect(endpoint).toMatchObject({
      value: { address: { address: { value: { address: 'shop.default.svc.cluster.local' } } } },
    });
  });
});

const limited = (size: number) => `trafficPolicy: { connectionPool: { tcp: { maxConnections: ${size} } } }`;

function limitFor(client: { namespace: string; labels?: Record<string, string> }, ...rules: string[]) {
  const { resources } = loadWith({ client }, service('shop', 80), ...rules);
  const cluster = resources.clusters.get('outbound|80||shop.default.svc.cluster.local')!;
  return cluster.circuitBreakers!.thresholds[0]!.maxConnections;
}

describe('Of rules in several namespaces', () => {
  const ofService = rule(limited(1));
  const ofClient = rule(limited(2), 'name: shop, namespace: web');
  const ofRoot = rule(limited(3), 'name: shop, namespace: istio-system');
  const none = 0xffff_ffff;

  it("the client's own comes first, then the service's, then the root's", () => {
    expect(limitFor({ namespace: 'web' }, ofService, ofClient, ofRoot)).toBe(2);
    expect(limitFor({ namespace: 'other' }, ofService, ofClient, ofRoot)).toBe(1);
    expect(limitFor({ namespace: 'other' }, ofClient, ofRoot)).toBe(3);
    expect(limitFor({ namespace: 'other' }, ofClient)).toBe(none);
  });

  it.each([
    ["['*']", 1, 1],
    ["['.']", none, 1],
    ["['~']", none, 1],
    ['[web]', 1, 1],
    ['[other]', none, 1],
  ])('one is seen where it is exported to and in its own: %s', (exportTo, inWeb, inDefault) => {
    const exported = rule(`exportTo: ${exportTo}\n${limited(1)}`);
    expect(limitFor({ namespace: 'web' }, exported)).toBe(inWeb);
    expect(limitFor({ namespace: 'default' }, exported)).toBe(inDefault);
  });

  it('one with a selector is for the workloads of its namespace that it selects', () => {
    const selecting = rule(`workloadSelector: { matchLabels: { app: a } }\n${limited(4)}`, 'name: a');
    const labels = { app: 'a' };
    expect(limitFor({ namespace: 'default', labels }, ofService, selecting)).toBe(4);
    expect(limitFor({ namespace: 'default', labels: { app: 'b' } }, ofService, selecting)).toBe(1);
    expect(limitFor({ namespace: 'web', labels }, ofService, selecting)).toBe(1);
  });

  it('a subset that only others see is no mistake, and empty', () => {
    const hidden = rule("exportTo: ['.']\nsubsets: [{ name: v1, labels: { version: v1 } }]");
    const routes = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop]
  http: [{ route: [{ destination: { host: shop, subset: v1 } }] }]
`;
    const { resources, issues } = loadWith({ client: { namespace: 'web' } }, service('shop', 80), hidden, routes);
    expect(issues).toEqual([]);
    expect(resources.assignments.get('outbound|80|v1|shop.default.svc.cluster.local')?.endpoints).toEqual([]);
    const without = loadWith({ client: { namespace: 'web' } }, service('shop', 80), hidden).resources;
    expect([...without.clusters.keys()]).toEqual(['outbound|80||shop.default.svc.cluster.local']);
  });
});
