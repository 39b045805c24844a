import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { assignmentMessage, lbEndpoint, problemsOf } from '../../test/fixtures.js';
import {
  type ClusterLoadAssignment_PolicySchema,
  ClusterLoadAssignmentSchema,
  HealthStatus,
  MetadataSchema,
  SocketAddress_Protocol,
} from '../messages.js';
import { decodeClusterLoadAssignment } from './decode-endpoint.js';

type Localities = NonNullable<MessageInitShape<typeof ClusterLoadAssignmentSchema>['endpoints']>;

const decode = (...endpoints: Localities) =>
  decodeClusterLoadAssignment(create(ClusterLoadAssignmentSchema, { clusterName: 'c', endpoints }));

const localitiesOf = (...endpoints: Localities) => {
  const result = decode(...endpoints);
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return result.value.localities;
};

describe('an assignment', () => {
  it.each<[Record<string, JsonObject>, boolean]>([
    [{ 'envoy.transport_socket_match': { tlsMode: 'istio' } }, true],
    [{ 'envoy.transport_socket_match': { tlsMode: 'disabled' } }, false],
    [{ istio: { tlsMode: 'istio' } }, false],
    [{}, false],
  ])('tells whether an endpoint takes the TLS of the mesh: %j', (filterMetadata, expected) => {
    const message = assignmentMessage('c', '10.0.0.1');
    const endpoint = message.endpoints[0]!.lbEndpoints[0]!;
    endpoint.metadata = create(MetadataSchema, { filterMetadata });
    expect(decodeClusterLoadAssignment(message)).toMatchObject({
      value: { localities: [{ endpoints: [{ meshTls: expected }] }] },
    });
  });

  it('is read whole', () => {
    expect(decodeClusterLoadAssignment(assignmentMessage('c', '10.0.0.1', '::1'))).toEqual({
      ok: true,
      warnings: [],
      value: {
        clusterName: 'c',
        localities: [
          {
            region: 'r',
            zone: 'z',
            subZone: '',
            priority: 0,
            weight: 1,
            endpoints: [
              {
                address: '10.0.0.1:8080',
                host: '10.0.0.1',
                port: 8080,
                health: 'healthy',
                weight: 1,
                workload: undefined,
                meshTls: false,
              },
              {
                address: '[::1]:8080',
                host: '::1',
                port: 8080,
                health: 'healthy',
                weight: 1,
                workload: undefined,
                meshTls: false,
              },
            ],
          },
        ],
      },
    });
  });

  it('may be empty, but not without a name', () => {
    expect(localitiesOf()).toEqual([]);
    expect(problemsOf(decodeClusterLoadAssignment(create(ClusterLoadAssignmentSchema)))).toEqual([
      'cluster_name: must not be empty',
    ]);
  });

  it('has priorities without gaps', () => {
    expect(localitiesOf({ priority: 1 }, { priority: 0 }, { priority: 1 }).map(({ priority }) => priority)).toEqual([
      1, 0, 1,
    ]);
    expect(problemsOf(decode({ priority: 0 }, { priority: 2 }))).toEqual([
      'endpoints: no locality has priority 1, but a lower one is used',
    ]);
    expect(problemsOf(decode({ priority: 4_000_000_000 }))[0]).toContain('no locality has priority 0');
  });

  it('gives localities without a weight none as soon as weights are used', () => {
    expect(
      localitiesOf({ loadBalancingWeight: 3 }, { loadBalancingWeight: 0 }, {}).map(({ weight }) => weight),
    ).toEqual([3, 0, 0]);
    expect(localitiesOf({ loadBalancingWeight: 0 }, {}).map(({ weight }) => weight)).toEqual([1, 1]);
  });

  it('refuses weights of a priority or of a locality that sum to more than 32 bits', () => {
    const max = 0xffff_ffff;
    expect(problemsOf(decode({ loadBalancingWeight: max }, { loadBalancingWeight: 1 }))).toEqual([
      `endpoints: weights of priority 0 sum to more than ${max}`,
    ]);
    const heavy = { ...lbEndpoint('10.0.0.1'), loadBalancingWeight: max };
    expect(problemsOf(decode({ lbEndpoints: [heavy, lbEndpoint('10.0.0.2')] }))).toEqual([
      `endpoints[0].lb_endpoints: weights sum to more than ${max}`,
    ]);
  });

  it('refuses an address that stands in it twice, even in another locality', () => {
    const result = decode({ lbEndpoints: [lbEndpoint('10.0.0.1')] }, { lbEndpoints: [lbEndpoint('10.0.0.1')] });
    expect(problemsOf(result)).toEqual([
      'endpoints[1].lb_endpoints[0].endpoint.address.socket_address.address: 10.0.0.1:8080 is used twice',
    ]);
  });

  it('takes endpoints from the newer list too, but not from a collection', () => {
    const value = { lbEndpoints: [lbEndpoint('10.0.0.1')] };
    const list = localitiesOf({ lbConfig: { case: 'loadBalancerEndpoints', value } });
    expect(list[0]?.endpoints[0]?.host).toBe('10.0.0.1');
    const collection = decode({ lbConfig: { case: 'ledsClusterLocalityConfig', value: {} } });
    expect(problemsOf(collection)[0]).toContain('endpoints[0].leds_cluster_locality_config: is not supported');
  });

  it('has an overprovisioning factor, and drops nothing', () => {
    const policy = (init: MessageInitShape<typeof ClusterLoadAssignment_PolicySchema>) =>
      decodeClusterLoadAssignment(create(ClusterLoadAssignmentSchema, { clusterName: 'c', policy: init }));
    expect(policy({ overprovisioningFactor: 120 })).toEqual({
      ok: true,
      value: { clusterName: 'c', localities: [], overprovisioningFactorPercent: 120 },
      warnings: [],
    });
    expect(policy({})).toEqual({ ok: true, value: { clusterName: 'c', localities: [] }, warnings: [] });
    expect(problemsOf(policy({ overprovisioningFactor: 0 }))).toEqual([
      'policy.overprovisioning_factor: must be more than zero',
    ]);
    expect(policy({ dropOverloads: [{}] })).toMatchObject({ warnings: [{ path: 'policy.drop_overloads' }] });
  });
});

describe('an endpoint', () => {
  const addressPath = 'endpoints[0].lb_endpoints[0].endpoint.address';
  const decodeAddress = (socketAddress: object) => {
    const address = { address: { case: 'socketAddress', value: { address: '10.0.0.1', ...socketAddress } } } as const;
    return problemsOf(decode({ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }));
  };

  it.each([0, 65_536, 4_000_000_000])('refuses port %i', (value) => {
    expect(decodeAddress({ portSpecifier: { case: 'portValue', value } })).toEqual([
      `${addressPath}.socket_address.port_value: ${value} is not between 1 and 65535`,
    ]);
  });

  it('has a literal address of TCP', () => {
    const portSpecifier = { case: 'portValue', value: 1 } as const;
    expect(decodeAddress({ address: 'localhost', portSpecifier })[0]).toContain('"localhost" is not an IP address');
    expect(decodeAddress({ protocol: SocketAddress_Protocol.UDP, portSpecifier })).toEqual([
      `${addressPath}.socket_address.protocol: must be TCP`,
    ]);
    expect(decodeAddress({ portSpecifier: { case: 'namedPort', value: 'http' } })).toEqual([
      `${addressPath}.socket_address.named_port: is not supported: ports are numbers`,
    ]);
  });

  it('has a socket address', () => {
    const pipe = { address: { address: { case: 'pipe', value: {} } } } as const;
    const result = decode({
      lbEndpoints: [
        {},
        { hostIdentifier: { case: 'endpointName', value: 'x' } },
        { hostIdentifier: { case: 'endpoint', value: pipe } },
      ],
    });
    expect(problemsOf(result)).toEqual([
      'endpoints[0].lb_endpoints[0].endpoint.address: is missing',
      'endpoints[0].lb_endpoints[1].endpoint_name: is not supported: endpoints stand where they are used',
      'endpoints[0].lb_endpoints[2].endpoint.address: should be a socket_address, is "pipe"',
    ]);
  });

  it('has a health and a weight', () => {
    const statuses = [HealthStatus.UNKNOWN, HealthStatus.HEALTHY, HealthStatus.DRAINING, HealthStatus.UNHEALTHY];
    const others = [HealthStatus.TIMEOUT, HealthStatus.DEGRADED, 42 as HealthStatus];
    const lbEndpoints = [...statuses, ...others].map((healthStatus, index) => ({
      ...lbEndpoint(`10.0.0.${index}`),
      healthStatus,
      loadBalancingWeight: index + 1,
    }));
    const [locality] = localitiesOf({ lbEndpoints });
    expect(locality?.endpoints.map(({ health }) => health)).toEqual([
      'healthy',
      'healthy',
      'draining',
      'unhealthy',
      'unhealthy',
      'unhealthy',
      'unhealthy',
    ]);
    expect(locality?.endpoints.map(({ weight }) => weight)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(problemsOf(decode({ lbEndpoints: [{ ...lbEndpoint('10.0.0.1'), loadBalancingWeight: 0 }] }))).toEqual([
      'endpoints[0].lb_endpoints[0].load_balancing_weight: must be at least 1',
    ]);
  });

  it('may have a name', () => {
    const value = { ...lbEndpoint('10.0.0.1').hostIdentifier.value, hostname: 'a.example' };
    const [locality] = localitiesOf({ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value } }] });
    expect(locality?.endpoints).toMatchObject([{ address: '10.0.0.1:8080', hostname: 'a.example' }]);
  });

  it('knows the workload that Istio writes down', () => {
    const workload = (written: string) => {
      const metadata = { filterMetadata: { istio: { workload: written } } };
      return localitiesOf({ lbEndpoints: [{ ...lbEndpoint('10.0.0.1'), metadata }] })[0]?.endpoints[0]?.workload;
    };
    expect(workload('reviews-v1;default;reviews;v1;Kubernetes')).toEqual({
      name: 'reviews-v1',
      namespace: 'default',
      canonicalName: 'reviews',
      canonicalRevision: 'v1',
      cluster: 'Kubernetes',
    });
    expect(workload('a;b')).toEqual({
      name: 'a',
      namespace: 'b',
      canonicalName: '',
      canonicalRevision: '',
      cluster: '',
    });
  });
});
