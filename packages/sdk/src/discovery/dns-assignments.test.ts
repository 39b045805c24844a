import type { Cluster, DnsHost, DnsPlace } from '@inmesh/core';
import { testCluster } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import type { DnsEndpoint, DnsWatcher } from './dns/index.js';
import { DnsAssignments } from './dns-assignments.js';

type Answers = Readonly<Record<string, readonly Partial<DnsEndpoint>[]>>;

/** Knows these names already, as a watcher does that someone else asked before. */
function assignmentsOf(answers: Answers, logical: boolean, ...hosts: DnsHost[]) {
  const watcher = {
    watch: ({ hostname, port }: DnsHost) => {
      const endpoints = (answers[hostname] ?? []).map(({ host = '', priority = 0, weight = 1 }) => {
        return { address: `${host}:${port}`, host, port, priority, weight };
      });
      return { state: { kind: 'resolved', endpoints, partialSince: undefined }, close() {} };
    },
  } as unknown as DnsWatcher;
  const all = new DnsAssignments(watcher, () => {});
  const cluster: Cluster = { ...testCluster({}), name: 'c', discovery: { kind: 'dns', hosts, logical } };
  all.setClusters([cluster]);
  return all.assignments.get('c')!.localities.map(({ region, priority, weight, endpoints }) => ({
    region,
    priority,
    weight,
    endpoints: endpoints.map((endpoint) => [endpoint.hostname, endpoint.address, endpoint.weight]),
  }));
}

const place = (region: string, priority: number, weight = 1): DnsPlace => ({
  region,
  zone: '',
  subZone: '',
  priority,
  localityWeight: 7,
  weight,
});

describe('The endpoints of a DNS cluster', () => {
  const answers: Answers = {
    a: [{ host: '10.0.0.1' }, { host: '10.0.0.2' }],
    b: [{ host: '10.0.0.3' }],
    c: [{ host: '10.0.0.1' }],
    srv: [{ host: '10.0.0.4', priority: 5, weight: 3 }, { host: '10.0.0.5' }],
  };

  it('are called as the name that they were found by', () => {
    expect(assignmentsOf(answers, false, { hostname: 'b', port: 80 })).toEqual([
      { region: '', priority: 0, weight: 1, endpoints: [['b', '10.0.0.3:80', 1]] },
    ]);
  });

  it('are where the configuration places their names, without gaps between priorities', () => {
    const hosts = [
      { hostname: 'b', port: 80, place: place('us', 4) },
      { hostname: 'a', port: 80, place: place('eu', 2, 5) },
    ];
    expect(assignmentsOf(answers, false, ...hosts)).toEqual([
      {
        region: 'eu',
        priority: 0,
        weight: 7,
        endpoints: [
          ['a', '10.0.0.1:80', 5],
          ['a', '10.0.0.2:80', 5],
        ],
      },
      { region: 'us', priority: 1, weight: 7, endpoints: [['b', '10.0.0.3:80', 1]] },
    ]);
  });

  it('are there once, where they are asked first', () => {
    const hosts = [
      { hostname: 'a', port: 80, place: place('eu', 1) },
      { hostname: 'c', port: 80, place: place('us', 0) },
    ];
    const found = assignmentsOf(answers, false, ...hosts).map(({ region, endpoints }) => [region, endpoints.length]);
    expect(found).toEqual([
      ['us', 1],
      ['eu', 1],
    ]);
  });

  it('of SRV records are ranked by them within that', () => {
    const found = assignmentsOf(
      answers,
      false,
      { hostname: 'srv', port: 80 },
      { hostname: 'b', port: 80, place: place('us', 1) },
    );
    expect(found.map(({ priority, endpoints }) => [priority, endpoints[0]?.[1], endpoints[0]?.[2]])).toEqual([
      [0, '10.0.0.5:80', 1],
      [1, '10.0.0.4:80', 3],
      [2, '10.0.0.3:80', 1],
    ]);
  });

  it('are the first address alone with logical DNS', () => {
    expect(assignmentsOf(answers, true, { hostname: 'a', port: 80 })[0]?.endpoints).toEqual([['a', '10.0.0.1:80', 1]]);
  });
});
