import { setImmediate as nextTurn } from 'node:timers/promises';
import { emptyResources, type MeshResources, SnapshotAssembler, SnapshotHolder } from '@inmesh/core';
import { FakeClock, seededRandom, testCluster, testEndpoint, testHash64 } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DnsWatcher } from './dns/index.js';
import { Publisher } from './publisher.js';

const many = 3000;
let snapshots: SnapshotHolder;
let generations: number[];
let publisher: Publisher;

/** Every name is one address. */
const watcher = {
  watch: () => {
    const endpoints = [{ address: '10.1.1.1:80', host: '10.1.1.1', port: 80, priority: 0, weight: 1 }];
    return { state: { kind: 'resolved', endpoints, partialSince: undefined }, close() {} };
  },
  firstResult: () => Promise.resolve(),
  close() {},
} as unknown as DnsWatcher;

beforeEach(() => {
  const options = { clock: new FakeClock(), random: seededRandom(1), hash64: testHash64, searchDomains: [] };
  const assembler = new SnapshotAssembler(options);
  snapshots = new SnapshotHolder(assembler.assemble(emptyResources));
  generations = [];
  snapshots.onChange(({ generation }) => generations.push(generation));
  publisher = new Publisher({ assembler, snapshots, dns: watcher, onPublished: () => {} });
});

function withEndpoint(host: string, { assignments, ...rest }: MeshResources = services()): MeshResources {
  const localities = [
    { region: '', zone: '', subZone: '', priority: 0, weight: 1, endpoints: [testEndpoint({ host })] },
  ];
  return { ...rest, assignments: new Map(assignments).set('service-0', { clusterName: 'service-0', localities }) };
}

function services(): MeshResources {
  const names = Array.from({ length: many }, (_, index) => `service-${index}`);
  const discovery = (serviceName: string) => ({ kind: 'eds', serviceName }) as const;
  return {
    ...emptyResources,
    clusters: new Map(names.map((name) => [name, testCluster({ name, discovery: discovery(name) })])),
    listeners: new Map(names.map((name) => [`${name}:80`, { name: `${name}:80`, routes: 'none' }])),
  };
}

const hosts = () => snapshots.current.clusters.get('service-0')?.endpoints.map(({ endpoint }) => endpoint.host);

describe('a publisher of thousands of clusters', () => {
  it('gives the event loop its turn while it makes a snapshot', async () => {
    let turns = 0;
    let isDone = false;
    const published = publisher.setResources(withEndpoint('10.0.0.1')).then(() => {
      isDone = true;
    });
    for (; !isDone; turns += 1) await nextTurn();
    await published;
    expect(turns).toBeGreaterThan(2);
    expect(hosts()).toEqual(['10.0.0.1']);
  });

  it('keeps the newest of what comes meanwhile, and hosts that are called meanwhile', async () => {
    const resources = services();
    const first = publisher.setResources(withEndpoint('10.0.0.1', resources));
    await nextTurn();
    await nextTurn();
    const called = publisher.prepare('http', 'elsewhere:80');
    const second = publisher.setResources(withEndpoint('10.0.0.2', resources));
    const third = publisher.setResources(withEndpoint('10.0.0.3'));
    await Promise.all([first, called, second, third]);
    expect(hosts()).toEqual(['10.0.0.3']);
    expect(snapshots.current.clusters.size).toBe(many + 1);
    expect(snapshots.current.resolve('http', 'elsewhere:80')?.name).toBe('elsewhere:80');
    expect(generations).toEqual(generations.toSorted((a, b) => a - b));
  });

  it('takes an endpoint over at once, and looks up hosts as before', async () => {
    const resources = services();
    await publisher.setResources(withEndpoint('10.0.0.1', resources));
    await publisher.prepare('http', 'elsewhere:80');
    const before = snapshots.current;
    await publisher.setResources(withEndpoint('10.0.0.2', resources));
    expect(hosts()).toEqual(['10.0.0.2']);
    expect(snapshots.current.generation).toBe(before.generation + 1);
    expect(snapshots.current.resolve('http', 'elsewhere:80')).toBe(before.resolve('http', 'elsewhere:80'));
    expect(snapshots.current.clusters.get('service-1')).toBe(before.clusters.get('service-1'));
  });

  it('leaves a snapshot that is half made when it is closed', async () => {
    const published = publisher.setResources(withEndpoint('10.0.0.1'));
    await nextTurn();
    publisher.close();
    await published;
    expect(generations).toEqual([]);
  });
});
