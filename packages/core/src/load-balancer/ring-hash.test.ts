import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointView } from '../cluster-view.js';
import { testEndpointView, testHash64 } from '../testing/index.js';
import { HashHalves } from './hash64.js';
import { normalizeWeights } from './host-weights.js';
import { RingHash } from './ring-hash.js';

const max64 = 2n ** 64n - 1n;

/** 127.0.0.1 at these ports, as in Envoy's ring_hash_lb_test.cc. */
function hosts(ports: readonly number[], weights: readonly number[] = []): EndpointView[] {
  return ports.map((port, index) => testEndpointView({ host: '127.0.0.1', port, weight: weights[index] ?? 1 }));
}

function locality(endpoints: readonly EndpointView[], weight = 1) {
  return { priority: 0, weight, endpoints };
}

function ring(localities: readonly ReturnType<typeof locality>[], minimum: number, maximum = 8_388_608) {
  const byLocality = localities.length > 1;
  const sizes = { minimumRingSize: minimum, maximumRingSize: maximum };
  const built = new RingHash(normalizeWeights(localities, byLocality), sizes, testHash64);
  const hash = new HashHalves();
  const portAt = (key: bigint, attempt = 0) => {
    hash.set(key);
    return built.at(hash, attempt)?.endpoint.port;
  };
  return {
    size: built.size,
    portAt,
    /** Where so many keys lead that lie evenly around the ring, by port. */
    spread(keys: number): Record<number, number> {
      const counts: Record<number, number> = {};
      for (let i = 0n; i < keys; i += 1n) {
        const port = portAt(i * (max64 / BigInt(keys)))!;
        counts[port] = (counts[port] ?? 0) + 1;
      }
      return counts;
    },
  };
}

describe('RingHash places endpoints as Envoy’s ring_hash_lb_test.cc has them', () => {
  const basic = ring([locality(hosts([90, 91, 92, 93, 94, 95]))], 12);
  const places: [bigint, number][] = [
    [833437586790550860n, 94],
    [928266305478181108n, 92],
    [1033482794131418490n, 90],
    [3551244743356806947n, 95],
    [3851675632748031481n, 93],
    [5583722120771150861n, 91],
    [6311230543546372928n, 91],
    [7700377290971790572n, 93],
    [13144177310400110813n, 95],
    [13444792449719432967n, 92],
    [15516499411664133160n, 94],
    [16117243373044804889n, 90],
  ];

  it('Basic', () => {
    expect(basic.size).toBe(12);
    for (const [index, [place, port]] of places.entries()) {
      expect(basic.portAt(place)).toBe(port);
      expect(basic.portAt(place + 1n)).toBe(places[(index + 1) % 12]![1]);
    }
    expect(basic.portAt(0n)).toBe(94);
    expect(basic.portAt(max64)).toBe(94);
    expect(basic.portAt(16117243373044804880n)).toBe(90);
  });

  it('BasicWithRetryHostPredicate: each further attempt takes the next place', () => {
    expect([0, 1, 2, 13].map((attempt) => basic.portAt(0n, attempt))).toEqual([94, 92, 90, 92]);
  });

  it('UnevenHosts', () => {
    const two = ring([locality(hosts([80, 81]))], 3);
    expect(two.size).toBe(4);
    const keys = [5454692015285649509n, 7859399908942313493n, 13838424394637650569n, 16064866803292627174n];
    expect(keys.map((key) => two.portAt(key))).toEqual([80, 81, 80, 81]);
    const next = ring([locality(hosts([81, 82]))], 3);
    const moved = [7859399908942313493n, 8241336090459785962n, 12882406409176325258n, 16064866803292627174n];
    expect(moved.map((key) => next.portAt(key))).toEqual([81, 82, 82, 81]);
  });

  it('HostWeightedTinyRing and LocalityWeightedTinyRing', () => {
    const byHost = ring([locality(hosts([90, 91, 92], [1, 2, 3]))], 6, 6);
    const byLocality = ring(
      [90, 91, 92, 93].map((port, index) => locality(hosts([port]), [1, 2, 3, 0][index])),
      6,
      6,
    );
    for (const tiny of [byHost, byLocality]) {
      expect(tiny.size).toBe(6);
      expect(tiny.portAt(928266305478181108n)).toBe(92);
      expect(tiny.portAt(4443673547860492590n)).toBe(92);
      expect(tiny.portAt(5583722120771150861n)).toBe(91);
      expect(tiny.portAt(6311230543546372928n)).toBe(91);
      expect(tiny.portAt(13444792449719432967n)).toBe(92);
      expect(tiny.portAt(16117243373044804889n)).toBe(90);
    }
  });

  it('HostWeightedLargeRing', () => {
    const large = ring([locality(hosts([90, 91, 92], [1, 2, 3]))], 6144);
    expect(large.size).toBe(6144);
    expect(large.spread(6000)).toEqual({ 90: 987, 91: 1932, 92: 3081 });
  });

  it('HostAndLocalityWeightedTinyRing and LargeRing', () => {
    const zones = [locality(hosts([90, 91], [1, 2]), 1), locality(hosts([92, 93], [1, 2]), 2)];
    const tiny = ring(zones, 9, 9);
    expect(tiny.size).toBe(9);
    const places = [3851675632748031481n, 7700377290971790572n, 12559126875973811811n, 13784988426630141778n];
    expect(places.map((place) => tiny.portAt(place))).toEqual([93, 93, 93, 93]);
    const large = ring(zones, 9216);
    expect(large.size).toBe(9216);
    expect(large.spread(9000)).toEqual({ 90: 924, 91: 2009, 92: 2053, 93: 4014 });
  });

  it('SmallFractionalScale: two of four endpoints are on a ring of two', () => {
    const small = ring([locality(hosts([90, 91, 92, 93]))], 2, 2);
    expect(small.size).toBe(2);
    expect(Object.keys(small.spread(1024))).toHaveLength(2);
  });

  it('LargeFractionalScale', () => {
    const large = ring([locality(hosts([90, 91]))], 1023, 1023);
    expect(large.size).toBe(1023);
    expect(large.spread(1023)).toEqual({ 90: 526, 91: 497 });
  });

  it('LopsidedWeightSmallScale', () => {
    const dense = Array.from({ length: 1023 }, (_, index) => index + 1);
    const lopsided = ring([locality(hosts([0]), 127), locality(hosts(dense), 1)], 1024, 1024);
    expect(lopsided.size).toBe(1024);
    expect(lopsided.portAt(11664790346325243808n)).toBe(1);
    expect(lopsided.portAt(15894554872961148518n)).toBe(128);
    expect(lopsided.portAt(13958138884277627155n)).toBe(256);
    expect(lopsided.portAt(17918147347826565154n)).toBe(640);
    expect(lopsided.portAt(5881074926069334434n)).toBe(896);
  });

  it('no endpoint without endpoints, or with zero weights alone', () => {
    expect(ring([locality([])], 1024).portAt(7n)).toBeUndefined();
    expect(ring([locality(hosts([90]), 0), locality(hosts([91]), 0)], 1024).portAt(7n)).toBeUndefined();
  });
});

describe('RingHash', () => {
  it('moves the keys of an endpoint that leaves, and no others', () => {
    const ports = fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { minLength: 2, maxLength: 8 });
    const keys = fc.array(fc.bigInt({ min: 0n, max: max64 }), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(ports, keys, (list, someKeys) => {
        // A ring that gives each endpoint the same places with and without the one that leaves.
        const of = (some: readonly number[]) => ring([locality(hosts(some))], some.length * 16);
        const before = of(list);
        const after = of(list.slice(1));
        for (const key of someKeys)
          if (before.portAt(key) !== list[0]) expect(after.portAt(key)).toBe(before.portAt(key));
      }),
      { numRuns: 30 },
    );
  });

  it('leads on from an endpoint that was removed, to nothing when all were', () => {
    const views = hosts([90, 91, 92, 93, 94, 95]);
    const built = ring([locality(views)], 12);
    views[4]!.state.removed = true;
    expect(built.portAt(0n)).toBe(92);
    for (const view of views) view.state.removed = true;
    expect(built.portAt(0n)).toBeUndefined();
  });
});
