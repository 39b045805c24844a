import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointView } from '../cluster-view.js';
import { testEndpoint, testEndpointView, testHash64 } from '../testing/index.js';
import { HashHalves } from './hash64.js';
import { normalizeWeights } from './host-weights.js';
import { Maglev } from './maglev.js';

function hosts(ports: readonly number[], weights: readonly number[] = []): EndpointView[] {
  return ports.map((port, index) => testEndpointView({ host: '127.0.0.1', port, weight: weights[index] ?? 1 }));
}

function locality(endpoints: readonly EndpointView[], weight = 1) {
  return { priority: 0, weight, endpoints };
}

function maglev(localities: readonly ReturnType<typeof locality>[], tableSize: number) {
  const built = new Maglev(normalizeWeights(localities, localities.length > 1), tableSize, testHash64);
  const hash = new HashHalves();
  const at = (key: bigint, attempt = 0) => {
    hash.set(key);
    return built.at(hash, attempt)?.endpoint.port;
  };
  return { at, table: () => Array.from({ length: tableSize }, (_, index) => at(BigInt(index))) };
}

describe('Maglev builds the tables of Envoy’s maglev_lb_test.cc', () => {
  const ports = [90, 91, 92, 93, 94, 95];

  it('Basic, in whatever order the endpoints come', () => {
    const expected = [2, 4, 0, 1, 5, 0, 3].map((index) => ports[index]);
    expect(maglev([locality(hosts(ports))], 7).table()).toEqual(expected);
    expect(maglev([locality(hosts([93, 90, 95, 92, 91, 94]))], 7).table()).toEqual(expected);
    expect(maglev([locality(hosts(ports))], 7).at(7n * 3n + 4n)).toBe(95);
  });

  it('BasicWithHostName: with other keys another table', () => {
    const named = ports.map((port) => ({
      ...testEndpointView({ port }),
      endpoint: { ...testEndpoint({ port }), address: `${port}` },
    }));
    expect(maglev([locality(named)], 7).table()).toEqual([2, 5, 0, 3, 4, 1, 0].map((index) => ports[index]));
  });

  it('BasicWithRetryHostPredicate: each further attempt flips the hash', () => {
    const table = maglev([locality(hosts(ports))], 7);
    expect([0, 1, 2].map((attempt) => table.at(10n, attempt))).toEqual([91, 90, 95]);
  });

  it('Weighted', () => {
    const expected = [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1].map((index) => ports[index]);
    expect(maglev([locality(hosts([90, 91], [1, 2]))], 17).table()).toEqual(expected);
  });

  it('LocalityWeightedSameLocalityWeights', () => {
    const expected = [1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1].map((index) => ports[index]);
    expect(maglev([locality(hosts([90], [1])), locality(hosts([91], [2]))], 17).table()).toEqual(expected);
  });

  it('LocalityWeightedDifferentLocalityWeights', () => {
    const zones = [locality(hosts([90], [1]), 8), locality(hosts([92], [3]), 0), locality(hosts([91], [2]), 2)];
    const expected = [1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0].map((index) => ports[index]);
    expect(maglev(zones, 17).table()).toEqual(expected);
  });

  it('SingleHost, and no endpoint without one', () => {
    expect(new Set(maglev([locality(hosts([90], [7]))], 17).table())).toEqual(new Set([90]));
    expect(maglev([locality([])], 7).at(3n)).toBeUndefined();
  });
});

describe('Maglev', () => {
  const key = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

  it('divides hashes of 64 bits as if by whole numbers', () => {
    const table = maglev([locality(hosts([90, 91, 92]))], 10_007);
    const places = table.table();
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 6 }), (hash, attempt) => {
        expect(table.at(hash)).toBe(places[Number(hash % 10_007n)]);
        const flipped = hash ^ BigInt.asUintN(64, -BigInt(attempt));
        expect(table.at(hash, attempt)).toBe(places[Number(flipped % 10_007n)]);
      }),
    );
  });

  it('moves few keys of those who stay when an endpoint leaves', () => {
    const ports = Array.from({ length: 10 }, (_, index) => 8000 + index);
    const before = maglev([locality(hosts(ports))], 65_537).table();
    const after = maglev([locality(hosts(ports.slice(1)))], 65_537).table();
    const moved = before.filter((port, index) => port !== 8000 && port !== after[index]).length;
    expect(moved / before.length).toBeLessThan(0.03);
  });

  it('gives every endpoint its share of the table, within one percent', () => {
    const table = maglev([locality(hosts([90, 91, 92], [1, 2, 5]))], 65_537).table();
    for (const [port, share] of [
      [90, 1 / 8],
      [91, 2 / 8],
      [92, 5 / 8],
    ]) {
      expect(table.filter((owner) => owner === port).length / 65_537).toBeCloseTo(share!, 2);
    }
  });

  it('leads on from an endpoint that was removed, to nothing when all were', () => {
    const views = hosts([90, 91, 92, 93, 94, 95]);
    const table = maglev([locality(views)], 7);
    views[2]!.state.removed = true;
    expect(table.at(0n)).toBe(94);
    for (const view of views) view.state.removed = true;
    expect(table.at(0n)).toBeUndefined();
  });
});
