import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import {
  AggregateClusterConfigSchema,
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
  HealthStatus,
  LeastRequestSchema,
  MaglevSchema,
  RandomSchema,
  RawBufferSchema,
  RingHashSchema,
  RoundRobinSchema,
  TransportSocketSchema,
  UpstreamTlsContextSchema,
} from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { grpcClusters } from './clusters.js';

type Init = Exclude<MessageInitShape<typeof ClusterSchema>, Cluster>;

function clusterOf(init: Init): Cluster {
  return create(ClusterSchema, { name: 'shop', ...init });
}

function overDns(type: Cluster_DiscoveryType, ...addresses: string[]): Cluster {
  const lbEndpoints = addresses.map((address) => endpointAt(address));
  return clusterOf({
    clusterDiscoveryType: { case: 'type', value: type },
    loadAssignment: { endpoints: [{ lbEndpoints }] },
  });
}

function endpointAt(address: string, healthStatus = HealthStatus.UNKNOWN) {
  const value = { address, portSpecifier: { case: 'portValue', value: 80 } } as const;
  const endpoint = { address: { address: { case: 'socketAddress', value } } } as const;
  return { hostIdentifier: { case: 'endpoint', value: endpoint }, healthStatus } as const;
}

/** `name kind addresses` of what a cluster becomes. */
function becomes(cluster: Cluster): string[] {
  return grpcClusters(cluster).map(({ cluster: { name, clusterDiscoveryType: type, loadAssignment }, endpoints }) => {
    const kind = type.case === 'type' ? Cluster_DiscoveryType[type.value] : 'AGGREGATE';
    const hosts = (endpoints ?? loadAssignment)?.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints) ?? [];
    return [name, kind, ...hosts.map(addressIn)].join(' ');
  });
}

function addressIn({ hostIdentifier }: { hostIdentifier: { case?: string | undefined; value?: unknown } }): string {
  const { address } = hostIdentifier.value as { address: { address: { value: { address: string } } } };
  return address.address.value.address;
}

describe('A cluster for gRPC', () => {
  it('stays the same object where gRPC has the words', () => {
    const cluster = clusterOf({ clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS } });
    expect(grpcClusters(cluster)).toEqual([{ cluster }]);
    expect(grpcClusters(cluster)[0]?.cluster).toBe(cluster);
    const dns = overDns(Cluster_DiscoveryType.LOGICAL_DNS, 'a.example.com');
    expect(grpcClusters(dns)[0]?.cluster).toBe(dns);
  });

  it.each([
    [['a.example.com'], ['shop LOGICAL_DNS a.example.com']],
    [
      ['a.example.com', 'b.example.com'],
      ['shop AGGREGATE', 'shop#1 LOGICAL_DNS a.example.com', 'shop#2 LOGICAL_DNS b.example.com'],
    ],
    [['10.0.0.1', 'fd00::1'], ['shop EDS 10.0.0.1 fd00::1']],
    [[], ['shop EDS']],
  ])('of the names %j becomes %j', (addresses, expected) => {
    expect(becomes(overDns(Cluster_DiscoveryType.STRICT_DNS, ...addresses))).toEqual(expected);
  });

  it('names its parts in order', () => {
    const [aggregate] = grpcClusters(overDns(Cluster_DiscoveryType.STRICT_DNS, 'a.example.com', 'b.example.com'));
    const type = aggregate?.cluster.clusterDiscoveryType;
    const config = type?.case === 'clusterType' ? type.value.typedConfig : undefined;
    expect(fromBinary(AggregateClusterConfigSchema, config!.value).clusters).toEqual(['shop#1', 'shop#2']);
    expect(aggregate?.cluster.loadAssignment).toBeUndefined();
  });

  it('leaves out names that are draining', () => {
    const lbEndpoints = [endpointAt('a.example.com', HealthStatus.DRAINING), endpointAt('b.example.com')];
    const cluster = clusterOf({
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS },
      loadAssignment: { endpoints: [{ lbEndpoints }] },
    });
    expect(becomes(cluster)).toEqual(['shop LOGICAL_DNS b.example.com']);
  });

  it('of an Envoy file has its endpoints over EDS', () => {
    expect(becomes(overDns(Cluster_DiscoveryType.STATIC, '10.0.0.1'))).toEqual(['shop EDS 10.0.0.1']);
  });

  it('without words for it has no endpoints', () => {
    const dialled = clusterOf({ clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST } });
    expect(becomes(dialled)).toEqual(['shop EDS']);
    const redis = clusterOf({ clusterDiscoveryType: { case: 'clusterType', value: { name: 'envoy.clusters.redis' } } });
    expect(becomes(redis)).toEqual(['shop EDS']);
  });

  it('has no share above 100 in its outlier detection', () => {
    const [changed] = grpcClusters(clusterOf({ outlierDetection: { maxEjectionPercent: 200, consecutive5xx: 3 } }));
    expect(changed?.cluster.outlierDetection).toMatchObject({ maxEjectionPercent: 100, consecutive5xx: 3 });
  });
});

describe('The balancer of a cluster for gRPC', () => {
  const policies = { maglev: MaglevSchema, ring: RingHashSchema, random: RandomSchema };
  const listOf = (...configs: Any[]) => ({
    policies: configs.map((typedConfig) => ({ typedExtensionConfig: { name: 'x', typedConfig } })),
  });
  const roundRobin = anyPack(RoundRobinSchema, create(RoundRobinSchema));
  const leastRequest = listOf(anyPack(LeastRequestSchema, create(LeastRequestSchema)), roundRobin);
  const changed = (init: Init) => grpcClusters(clusterOf(init))[0]!.cluster;

  it.each(['maglev', 'ring'] as const)('is a ring for %s', (name) => {
    const schema = policies[name];
    const { lbPolicy, lbConfig, loadBalancingPolicy } = changed({
      loadBalancingPolicy: listOf(anyPack(schema, create(schema)), roundRobin),
    });
    expect([lbPolicy, lbConfig.case, loadBalancingPolicy]).toEqual([
      Cluster_LbPolicy.RING_HASH,
      'ringHashLbConfig',
      undefined,
    ]);
    expect(changed({ lbPolicy: Cluster_LbPolicy.MAGLEV }).lbPolicy).toBe(Cluster_LbPolicy.RING_HASH);
  });

  it('is a ring of a size and a hash that gRPC takes', () => {
    const value = { minimumRingSize: 9_000_000n, hashFunction: 1 };
    const { lbConfig } = changed({
      lbPolicy: Cluster_LbPolicy.RING_HASH,
      lbConfig: { case: 'ringHashLbConfig', value },
    });
    expect(lbConfig.value).toMatchObject({ minimumRingSize: 8_388_608n, hashFunction: 0 });
  });

  it('is round robin where gRPC has none of its own', () => {
    expect(changed({ lbPolicy: Cluster_LbPolicy.LEAST_REQUEST }).lbPolicy).toBe(Cluster_LbPolicy.ROUND_ROBIN);
    const random = listOf(anyPack(RandomSchema, create(RandomSchema)), roundRobin);
    expect(changed({ loadBalancingPolicy: random }).loadBalancingPolicy).toBeUndefined();
  });

  it('stays a list of least requests and round robin', () => {
    expect(changed({ loadBalancingPolicy: leastRequest }).loadBalancingPolicy?.policies).toHaveLength(2);
  });

  it('is round robin where localities are weighed, which a list does not say to gRPC for Node', () => {
    const localityConfigSpecifier = { case: 'localityWeightedLbConfig', value: {} } as const;
    const { lbPolicy, loadBalancingPolicy } = changed({
      loadBalancingPolicy: leastRequest,
      commonLbConfig: { localityConfigSpecifier },
    });
    expect([lbPolicy, loadBalancingPolicy]).toEqual([Cluster_LbPolicy.ROUND_ROBIN, undefined]);
  });
});

describe('The transport socket of a cluster for gRPC', () => {
  const changed = (typedConfig: Any) => {
    const cluster = overDns(Cluster_DiscoveryType.STATIC, '10.0.0.1');
    const configType = { case: 'typedConfig', value: typedConfig } as const;
    return becomes({ ...cluster, transportSocket: create(TransportSocketSchema, { name: 'x', configType }) });
  };
  const tls = (init: MessageInitShape<typeof UpstreamTlsContextSchema>) =>
    anyPack(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema, init));

  it('is left out when it is plain', () => {
    const cluster = clusterOf({
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
      transportSocket: {
        name: 'x',
        configType: { case: 'typedConfig', value: anyPack(RawBufferSchema, create(RawBufferSchema)) },
      },
    });
    expect(grpcClusters(cluster)[0]?.cluster.transportSocket).toBeUndefined();
  });

  it('by a certificate provider is taken', () => {
    const value = { caCertificateProviderInstance: { instanceName: 'default' } };
    const commonTlsContext = { validationContextType: { case: 'validationContext', value } } as const;
    expect(changed(tls({ commonTlsContext }))).toEqual(['shop EDS 10.0.0.1']);
  });

  it.each([
    ['nothing', {}],
    ['SDS', { commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: 'default' }] } }],
    ['a file', { commonTlsContext: { validationContextType: { case: 'validationContext', value: {} } } as const }],
  ])('never becomes plain text: with certificates by %s there is no endpoint', (_, init) => {
    expect(changed(tls(init))).toEqual(['shop EDS']);
  });
});
