import { describe, expect, it } from 'vitest';
import { SnapshotAssembler } from './assemble.js';
import type { Cluster, LocalityEndpoints } from './model/cluster.js';
import { emptyResources } from './model/resources.js';
import { FakeClock, seededRandom, testCall, testCluster, testEndpoint, testHash64 } from './testing/index.js';

function locality(priority: number, ...hosts: string[]): LocalityEndpoints {
  const endpoints = hosts.map((host) => testEndpoint({ host }));
  return { region: '', zone: '', subZone: '', priority, weight: 1, endpoints };
}

function assembler() {
  const clock = new FakeClock();
  const made = new SnapshotAssembler({ clock, random: seededRandom(1), hash64: testHash64, searchDomains: [] });
  const assemble = (cluster: Cluster, localities: readonly LocalityEndpoints[], overprovisioning?: number) =>
    made
      .assemble({
        ...emptyResources,
        clusters: new Map([['reviews', cluster]]),
        assignments: new Map([
          ['reviews', { clusterName: 'reviews', localities, overprovisioningFactorPercent: overprovisioning }],
        ]),
      })
      .clusters.get('reviews')!;
  return { clock, made, assemble };
}

describe('a cluster of a snapshot', () => {
  it('lists the endpoints of all priorities, the highest first', () => {
    const view = assembler().assemble(testCluster(), [locality(1, '10.0.0.3'), locality(0, '10.0.0.1', '10.0.0.2')]);
    expect(view.endpoints.map(({ endpoint, priority }) => [endpoint.host, priority])).toEqual([
      ['10.0.0.1', 0],
      ['10.0.0.2', 0],
      ['10.0.0.3', 1],
    ]);
  });

  it('stays the same object, and its balancer goes on, while its resources are the same objects', () => {
    const { made } = assembler();
    const assignment = { clusterName: 'reviews', localities: [locality(0, '10.0.0.1')] };
    const resources = {
      ...emptyResources,
      clusters: new Map([['reviews', testCluster()]]),
      assignments: new Map([['reviews', assignment]]),
    };
    const first = made.assemble(resources).clusters.get('reviews')!;
    const second = made.assemble({ ...resources, listeners: new Map() }).clusters.get('reviews')!;
    expect(second).toBe(first);
    const changed = { ...resources, assignments: new Map([['reviews', { ...assignment }]]) };
    expect(made.assemble(changed).clusters.get('reviews')!.loadBalancer).not.toBe(first.loadBalancer);
  });

  it('remembers when each of its endpoints came, and forgets it with the endpoint', () => {
    const { clock, assemble } = assembler();
    const cluster = testCluster();
    assemble(cluster, [locality(0, '10.0.0.1', '10.0.0.2')]);
    clock.advance(500);
    const view = assemble(cluster, [locality(0, '10.0.0.2', '10.0.0.3')]);
    expect(view.endpoints.map(({ host }) => host.addedAt)).toEqual([0, 500]);
    expect([...view.state.hosts.keys()]).toEqual(['10.0.0.2:8080', '10.0.0.3:8080']);
    clock.advance(500);
    expect(assemble(cluster, [locality(0, '10.0.0.1')]).endpoints[0]!.host.addedAt).toBe(1000);
  });

  it('has what makes keys only where its balancer looks at them', () => {
    const { assemble } = assembler();
    expect(assemble(testCluster(), []).hash64).toBeUndefined();
    const keyed = testCluster({ loadBalancer: { kind: 'maglev', tableSize: 7 } });
    expect(assemble(keyed, []).hash64).toBe(testHash64);
  });

  it('uses the overprovisioning factor of the assignment', () => {
    const half = {
      ...locality(0, '10.0.0.1'),
      endpoints: [testEndpoint(), testEndpoint({ host: 'x', health: 'unhealthy' })],
    };
    const picks = (factor: number | undefined) => {
      const view = assembler().assemble(testCluster(), [half, locality(1, '10.0.0.9')], factor);
      return Array.from({ length: 200 }, () => view.loadBalancer.pick(testCall())!.priority);
    };
    expect(picks(200)).not.toContain(1);
    expect(picks(undefined)).toContain(1);
  });

  it('picks nothing of an older snapshot that is removed from the newest', () => {
    const { assemble } = assembler();
    const older = assemble(testCluster(), [locality(0, '10.0.0.1', '10.0.0.2')]);
    assemble(testCluster(), [locality(0, '10.0.0.2')]);
    for (let i = 0; i < 10; i += 1) expect(older.loadBalancer.pick(testCall())!.endpoint.host).toBe('10.0.0.2');
    assemble(testCluster(), [locality(0, '10.0.0.3')]);
    expect(older.loadBalancer.pick(testCall())).toBeUndefined();
  });
});
