import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Cluster_LbPolicy,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  type LocalityLbEndpoints,
  type LocalityLbEndpointsSchema,
} from '@inmesh/xds/messages';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asGrpcAssignment } from './assignments.js';

type Group = Exclude<MessageInitShape<typeof LocalityLbEndpointsSchema>, LocalityLbEndpoints>;

const byRoundRobin = create(ClusterSchema, { name: 'shop' });

function endpointAt(address: string, loadBalancingWeight?: number) {
  const value = { address, portSpecifier: { case: 'portValue', value: 80 } } as const;
  const endpoint = { address: { address: { case: 'socketAddress', value } } } as const;
  const weight = loadBalancingWeight === undefined ? {} : { loadBalancingWeight };
  return { hostIdentifier: { case: 'endpoint', value: endpoint }, ...weight } as const;
}

function groupOf(zone: string, addresses: string[], more: Group = {}): Group {
  return { locality: { zone }, loadBalancingWeight: 1, lbEndpoints: addresses.map((one) => endpointAt(one)), ...more };
}

function assignmentOf(...endpoints: Group[]) {
  return create(ClusterLoadAssignmentSchema, { clusterName: 'shop', endpoints });
}

/** `priority zone*weight addresses` of each locality. */
function becomes(groups: Group[], cluster = byRoundRobin): string[] {
  return asGrpcAssignment(assignmentOf(...groups), cluster).endpoints.map(
    ({ priority, locality, loadBalancingWeight, lbEndpoints }) => {
      const addresses = lbEndpoints.map(({ hostIdentifier: host }) =>
        host.case === 'endpoint' && host.value.address?.address.case === 'socketAddress'
          ? host.value.address.address.value.address
          : '',
      );
      return `${priority} ${locality?.zone ?? 'nowhere'}*${loadBalancingWeight} ${addresses.join(' ')}`;
    },
  );
}

describe('Endpoints for gRPC', () => {
  it('stay the same object where there is nothing to do', () => {
    const assignment = assignmentOf(groupOf('a', ['10.0.0.1']), groupOf('b', ['10.0.0.2'], { priority: 1 }));
    expect(asGrpcAssignment(assignment, byRoundRobin)).toBe(assignment);
  });

  it('are addresses, each once', () => {
    const groups = [groupOf('a', ['10.0.0.1', 'a.example.com', '10.0.0.1']), groupOf('b', ['10.0.0.1', 'fd00::1'])];
    expect(becomes(groups)).toEqual(['0 a*1 10.0.0.1', '0 b*1 fd00::1']);
  });

  it('have a weight above zero', () => {
    const lbEndpoints = [endpointAt('10.0.0.1', 0), endpointAt('10.0.0.2', 3)];
    expect(becomes([groupOf('a', [], { lbEndpoints })])).toEqual(['0 a*1 10.0.0.2']);
    expect(becomes([groupOf('a', ['10.0.0.1'], { loadBalancingWeight: 0 })])).toEqual([]);
  });

  it('have a locality with a weight', () => {
    const lbEndpoints = [endpointAt('10.0.0.1', 2), endpointAt('10.0.0.2')];
    expect(becomes([{ lbEndpoints }])).toEqual(['0 *3 10.0.0.1 10.0.0.2']);
  });

  it('of one locality and priority stand together', () => {
    const groups = [
      groupOf('a', ['10.0.0.1']),
      groupOf('a', ['10.0.0.2']),
      groupOf('a', ['10.0.0.3'], { priority: 1 }),
    ];
    expect(becomes(groups)).toEqual(['0 a*2 10.0.0.1 10.0.0.2', '1 a*1 10.0.0.3']);
  });

  it('have priorities without a gap', () => {
    const groups = [
      groupOf('a', ['a.example.com']),
      groupOf('b', ['10.0.0.2'], { priority: 3 }),
      groupOf('c', ['10.0.0.3'], { priority: 7 }),
    ];
    expect(becomes(groups)).toEqual(['0 b*1 10.0.0.2', '1 c*1 10.0.0.3']);
  });

  it('share a ring by their own weights, unless localities are weighed', () => {
    const groups = [groupOf('a', ['10.0.0.1', '10.0.0.2'], { loadBalancingWeight: 2 }), groupOf('b', ['10.0.0.3'])];
    const ring = create(ClusterSchema, { name: 'shop', lbPolicy: Cluster_LbPolicy.RING_HASH });
    expect(becomes(groups, ring)).toEqual(['0 a*1 10.0.0.1 10.0.0.2', '0 b*1 10.0.0.3']);
    const localityConfigSpecifier = { case: 'localityWeightedLbConfig', value: {} } as const;
    const weighed = create(ClusterSchema, {
      name: 'shop',
      lbPolicy: Cluster_LbPolicy.RING_HASH,
      commonLbConfig: { localityConfigSpecifier },
    });
    expect(becomes(groups, weighed)).toEqual(['0 a*2 10.0.0.1 10.0.0.2', '0 b*1 10.0.0.3']);
  });

  it('are whatever comes in what gRPC takes', () => {
    const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', 'a.example.com', '');
    const group = fc.record({
      locality: fc.option(fc.record({ zone: fc.constantFrom('', 'a', 'b') }), { nil: undefined }),
      priority: fc.nat(4),
      loadBalancingWeight: fc.option(fc.nat(3), { nil: undefined }),
      lbEndpoints: fc.array(fc.tuple(address, fc.option(fc.nat(2), { nil: undefined }))),
    });
    fc.assert(
      fc.property(fc.array(group, { maxLength: 8 }), (groups) => {
        const assignment = assignmentOf(
          ...groups.map(({ locality, loadBalancingWeight, lbEndpoints, priority }) => ({
            ...(locality && { locality }),
            ...(loadBalancingWeight !== undefined && { loadBalancingWeight }),
            priority,
            lbEndpoints: lbEndpoints.map(([one, weight]) => endpointAt(one, weight)),
          })),
        );
        const { endpoints } = asGrpcAssignment(assignment, byRoundRobin);
        const priorities = [...new Set(endpoints.map(({ priority }) => priority))].sort();
        expect(priorities).toEqual(priorities.map((_, index) => index));
        const localities = endpoints.map(({ priority, locality }) => `${priority} ${locality!.zone}`);
        expect(new Set(localities).size).toBe(localities.length);
        const addresses = endpoints.flatMap(({ lbEndpoints }) =>
          lbEndpoints.map((one) => JSON.stringify(one.hostIdentifier)),
        );
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(endpoints.every(({ loadBalancingWeight }) => loadBalancingWeight! > 0)).toBe(true);
        expect(asGrpcAssignment({ ...assignment, endpoints }, byRoundRobin).endpoints).toEqual(endpoints);
      }),
    );
  });
});
