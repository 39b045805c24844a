import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClusterState } from '../cluster-state.js';
import type { EndpointView } from '../cluster-view.js';
import type { Cluster, HealthStatus, LoadBalancerPolicy } from '../model/cluster.js';
import { FakeClock, seededRandom, testCall, testCluster, testEndpointView, testHash64 } from '../testing/index.js';
import { ClusterBalancer } from './cluster-balancer.js';
import type { LocalityViews } from './host-weights.js';

interface TestLocality {
  priority?: number;
  weight?: number;
  /** How many are healthy, and how many there are. */
  healthy: number;
  total: number;
}

let made = 0;

function viewsOf({ priority = 0, weight = 1, healthy, total }: TestLocality): LocalityViews {
  const endpoints = Array.from({ length: total }, (_, index) => {
    made += 1;
    const health: HealthStatus = index < healthy ? 'healthy' : index % 2 === 0 ? 'unhealthy' : 'draining';
    return { ...testEndpointView({ host: `10.0.0.${made % 250}`, port: 1000 + made, health }), priority };
  });
  return { priority, weight, endpoints };
}

function balance(localities: readonly (TestLocality | LocalityViews)[], overrides: Partial<Cluster> = {}, seed = 3) {
  const random = seededRandom(seed);
  const clock = new FakeClock();
  const cluster = testCluster(overrides);
  const state = createClusterState(cluster, { clock, random });
  const views = localities.map((locality) => ('endpoints' in locality ? locality : viewsOf(locality)));
  const balancer = new ClusterBalancer({
    cluster,
    state,
    localities: views,
    overprovisioningPercent: undefined,
    tools: { clock, random, hash64: testHash64 },
  });
  const pick = (hashKey?: bigint, refused?: number) => {
    const call = testCall();
    call.hashKey = hashKey;
    return balancer.pick(call, refused);
  };
  return {
    pick,
    state,
    localities: views,
    endpoints: views.flatMap(({ endpoints }) => endpoints),
    setEjected(view: EndpointView, ejected: boolean) {
      view.host.ejected = ejected;
      state.healthEpoch += 1;
    },
    /** Share of each locality in so many picks. */
    shares(picks: number): number[] {
      const counts = views.map(() => 0);
      for (let i = 0; i < picks; i += 1) {
        const view = pick()!;
        counts[views.findIndex(({ endpoints }) => endpoints.includes(view))]! += 1;
      }
      return counts.map((count) => count / picks);
    },
  };
}

const policies: readonly LoadBalancerPolicy[] = [
  { kind: 'roundRobin' },
  { kind: 'roundRobin', slowStart: { windowMs: 1000, aggression: 1, minWeightPercent: 10 } },
  { kind: 'leastRequest', choices: 2 },
  { kind: 'random' },
  { kind: 'ringHash', minimumRingSize: 32, maximumRingSize: 1024 },
  { kind: 'maglev', tableSize: 101 },
];

describe('ClusterBalancer', () => {
  it('keeps to the first priority while it covers the load, healthy or not the others', () => {
    const { pick, localities } = balance([
      { healthy: 3, total: 4 },
      { priority: 1, healthy: 4, total: 4 },
    ]);
    for (let i = 0; i < 50; i += 1) expect(localities[0]!.endpoints.slice(0, 3)).toContain(pick());
  });

  it('spills to the next priority what the first does not cover', () => {
    const { shares } = balance([
      { healthy: 2, total: 4 },
      { priority: 1, healthy: 2, total: 4 },
    ]);
    const [first, second] = shares(20_000);
    expect(first).toBeCloseTo(0.7, 1);
    expect(second).toBeCloseTo(0.3, 1);
  });

  it('draws the priority of a call without a key from one random number', () => {
    const draws = [0.69, 0.7];
    const localities = [
      { ...viewsOf({ healthy: 1, total: 2 }), priority: 0 },
      { ...viewsOf({ priority: 1, healthy: 1, total: 2 }), priority: 1 },
    ];
    const cluster = testCluster({ loadBalancer: { kind: 'roundRobin' } });
    const tools = { clock: new FakeClock(), random: () => draws.shift() ?? 0, hash64: testHash64 };
    const state = createClusterState(cluster, tools);
    const balancer = new ClusterBalancer({ cluster, state, localities, overprovisioningPercent: undefined, tools });
    draws.unshift(0, 0); // the starts of both round robins
    expect(balancer.pick(testCall())?.priority).toBe(0);
    expect(balancer.pick(testCall())?.priority).toBe(1);
  });

  it('leads a key to the priority of its last two digits', () => {
    const { pick } = balance(
      [
        { healthy: 1, total: 2 },
        { priority: 1, healthy: 1, total: 2 },
      ],
      { loadBalancer: { kind: 'maglev', tableSize: 7 } },
    );
    expect([0n, 69n, 70n, 99n, 169n, 170n].map((key) => pick(key)!.priority)).toEqual([0, 0, 1, 1, 0, 1]);
  });

  it('takes over from an ejected endpoint at once, and takes it back', () => {
    const { pick, endpoints, setEjected } = balance([{ healthy: 3, total: 3 }]);
    pick();
    setEjected(endpoints[1]!, true);
    const picks = Array.from({ length: 30 }, () => pick());
    expect(picks).not.toContain(endpoints[1]);
    expect(new Set(picks).size).toBe(2);
    setEjected(endpoints[1]!, false);
    expect(new Set(Array.from({ length: 3 }, () => pick())).size).toBe(3);
  });

  it('uses all endpoints in panic, but never a removed one', () => {
    const { pick, endpoints } = balance([{ healthy: 1, total: 4 }]);
    endpoints[3]!.state.removed = true;
    const picks = new Set(Array.from({ length: 40 }, () => pick()));
    expect(picks).toEqual(new Set(endpoints.slice(0, 3)));
  });

  it.each([
    [0, undefined],
    [1, 'some'],
  ])('with nothing healthy and a panic threshold of %d %% picks %s', (panicThresholdPercent, expected) => {
    const { pick } = balance([{ healthy: 0, total: 3 }], { panicThresholdPercent });
    expect(pick() === undefined ? undefined : 'some').toBe(expected);
  });

  it('picks nothing without endpoints', () => {
    expect(balance([]).pick()).toBeUndefined();
    expect(balance([{ healthy: 0, total: 0 }]).pick()).toBeUndefined();
  });

  it('takes localities by weight where the cluster says so, endpoints evenly elsewhere', () => {
    const zones: TestLocality[] = [
      { weight: 80, healthy: 1, total: 1 },
      { weight: 20, healthy: 3, total: 3 },
    ];
    expect(balance(zones, { localityWeighted: true }).shares(100)).toEqual([0.8, 0.2]);
    expect(balance(zones, { localityWeighted: false }).shares(100)).toEqual([0.25, 0.75]);
  });

  it('takes weight from a locality that is less than 1 / 1.4 healthy', () => {
    const { shares } = balance(
      [
        { weight: 1, healthy: 2, total: 4 },
        { weight: 1, healthy: 4, total: 4 },
      ],
      { localityWeighted: true, panicThresholdPercent: 0 },
    );
    expect(shares(170)).toEqual([70 / 170, 100 / 170]);
  });

  it('gives a locality without a healthy endpoint nothing, and all of it in panic their turns', () => {
    const zones: TestLocality[] = [
      { weight: 9, healthy: 0, total: 3 },
      { weight: 1, healthy: 1, total: 1 },
    ];
    expect(balance(zones, { localityWeighted: true, panicThresholdPercent: 0 }).shares(50)).toEqual([0, 1]);
    expect(balance(zones, { localityWeighted: true, panicThresholdPercent: 50 }).shares(40)).toEqual([0.75, 0.25]);
  });

  it.each<[string, TestLocality[], number[]]>([
    [
      'all weights are zero',
      [
        { weight: 0, healthy: 1, total: 1 },
        { weight: 0, healthy: 3, total: 3 },
      ],
      [0.25, 0.75],
    ],
    [
      'those with a weight have nothing healthy',
      [
        { weight: 9, healthy: 0, total: 2 },
        { weight: 0, healthy: 3, total: 3 },
      ],
      [0, 1],
    ],
  ])('forgets the weights of localities where %s (locality_wrr.cc)', (_, zones, expected) => {
    expect(balance(zones, { localityWeighted: true, panicThresholdPercent: 0 }).shares(40)).toEqual(expected);
  });

  it('weighs keys by locality whatever the health of its endpoints', () => {
    const cluster = { localityWeighted: true, loadBalancer: { kind: 'maglev', tableSize: 10_007 } } as const;
    const zones: TestLocality[] = [
      { weight: 3, healthy: 1, total: 2 },
      { weight: 1, healthy: 4, total: 4 },
    ];
    const { pick, localities } = balance(zones, cluster);
    let near = 0;
    for (let key = 0n; key < 10_007n; key += 1n) if (localities[0]!.endpoints.includes(pick(key)!)) near += 1;
    expect(near / 10_007).toBeCloseTo(0.75, 2);
  });
});

describe('every policy', () => {
  const endpoint = fc.record({
    health: fc.constantFrom<HealthStatus>('healthy', 'unhealthy', 'draining'),
    weight: fc.integer({ min: 1, max: 3 }),
    ejected: fc.boolean(),
    removed: fc.boolean(),
    locality: fc.nat(3),
  });

  it.each(policies)('$kind picks nothing but healthy endpoints outside panic, never a removed one', (loadBalancer) => {
    const cases = fc.record({
      endpoints: fc.array(endpoint, { maxLength: 8 }),
      threshold: fc.constantFrom(0, 50),
      localityWeighted: fc.boolean(),
      key: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(cases, ({ endpoints, threshold, localityWeighted, key, seed }) => {
        // Two localities in each of two priorities.
        const localities = [0, 1, 2, 3].map((locality): LocalityViews => {
          const priority = locality >> 1;
          const own = endpoints.map((one, index) => ({ ...one, index })).filter((one) => one.locality === locality);
          const views = own.map(({ health, weight, ejected, index }) => ({
            ...testEndpointView({ host: `10.0.0.${index}`, health, weight }, {}, { ejected }),
            priority,
          }));
          return { priority, weight: locality + 1, endpoints: views };
        });
        const { pick, endpoints: views } = balance(
          localities,
          { loadBalancer, localityWeighted, panicThresholdPercent: threshold },
          seed,
        );
        for (const { endpoint: one, state } of views) state.removed = endpoints[Number(one.host.slice(7))]!.removed;
        const eligible = views.filter((view) => view.endpoint.health === 'healthy' && !view.host.ejected);
        for (let i = 0; i < 5; i += 1) {
          const picked = pick(key, i);
          if (picked === undefined) continue;
          expect(picked.state.removed).toBe(false);
          if (threshold === 0) expect(eligible).toContain(picked);
        }
        const noneRemoved = views.every(({ state }) => !state.removed);
        if (noneRemoved && eligible.length > 0) expect(pick(key)).toBeDefined();
      }),
      { numRuns: 60 },
    );
  });

  it.each(policies.slice(4))(
    '$kind leads a key to the same endpoint as long as the endpoints are the same',
    (loadBalancer) => {
      const { pick } = balance([{ healthy: 5, total: 5 }], { loadBalancer });
      fc.assert(
        fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (key) => {
          expect(pick(key)).toBe(pick(key));
        }),
      );
    },
  );

  it.each(policies.slice(4))('$kind spreads calls without a key', (loadBalancer) => {
    const { pick } = balance([{ healthy: 4, total: 4 }], { loadBalancer });
    expect(new Set(Array.from({ length: 60 }, () => pick())).size).toBe(4);
  });
});
