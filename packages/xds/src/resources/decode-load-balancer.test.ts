import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { type ClusterInit, clusterMessage, problemsOf, someAny } from '../../test/fixtures.js';
import {
  ClientSideWeightedRoundRobinSchema,
  Cluster_LbPolicy,
  Cluster_RingHashLbConfig_HashFunction,
  ClusterProvidedSchema,
  LeastRequestSchema,
  MaglevSchema,
  RandomSchema,
  RingHash_HashFunction,
  RingHashSchema,
  RoundRobinSchema,
  SubsetSchema,
  WrrLocalitySchema,
} from '../messages.js';
import { decodeCluster } from './decode-cluster.js';

const decode = (init: ClusterInit) => decodeCluster(clusterMessage('c', init));

const balancerOf = (init: ClusterInit) => {
  const result = decode(init);
  return result.ok ? [result.value.loadBalancer, ...result.warnings.map(({ path }) => path)] : problemsOf(result);
};

const typed = <Desc extends DescMessage>(schema: Desc, init?: MessageInitShape<Desc>) =>
  anyPack(schema, create(schema, init));

const policies = (...configs: Any[]) => ({
  policies: configs.map((typedConfig) => ({ typedExtensionConfig: { name: 'p', typedConfig } })),
});

const list = (...configs: Any[]): ClusterInit => ({ loadBalancingPolicy: policies(...configs) });

const { LEAST_REQUEST, RING_HASH, MAGLEV, RANDOM, ROUND_ROBIN } = Cluster_LbPolicy;

const slowStartConfig = { slowStartWindow: { seconds: 30n }, aggression: { defaultValue: 2 } };

describe('the load balancer of a cluster', () => {
  it.each<[string, ClusterInit, object]>([
    ['random', { lbPolicy: RANDOM }, { kind: 'random' }],
    ['least request', { lbPolicy: LEAST_REQUEST }, { kind: 'leastRequest', choices: 2 }],
    ['ring hash', { lbPolicy: RING_HASH }, { kind: 'ringHash', minimumRingSize: 1024, maximumRingSize: 8_388_608 }],
    ['Maglev', { lbPolicy: MAGLEV }, { kind: 'maglev', tableSize: 65_537 }],
    [
      'round robin with slow start',
      { lbPolicy: ROUND_ROBIN, lbConfig: { case: 'roundRobinLbConfig', value: { slowStartConfig } } },
      { kind: 'roundRobin', slowStart: { windowMs: 30_000, aggression: 2, minWeightPercent: 10 } },
    ],
    [
      'least request with all of its fields',
      {
        lbPolicy: LEAST_REQUEST,
        lbConfig: {
          case: 'leastRequestLbConfig',
          value: {
            choiceCount: 4,
            activeRequestBias: { defaultValue: 0.5 },
            slowStartConfig: { ...slowStartConfig, minWeightPercent: { value: 25 } },
          },
        },
      },
      {
        kind: 'leastRequest',
        choices: 4,
        activeRequestBias: 0.5,
        slowStart: { windowMs: 30_000, aggression: 2, minWeightPercent: 25 },
      },
    ],
    [
      'ring hash with sizes',
      {
        lbPolicy: RING_HASH,
        lbConfig: { case: 'ringHashLbConfig', value: { minimumRingSize: 7n, maximumRingSize: 9n } },
      },
      { kind: 'ringHash', minimumRingSize: 7, maximumRingSize: 9 },
    ],
    [
      'Maglev with a size',
      { lbPolicy: MAGLEV, lbConfig: { case: 'maglevLbConfig', value: { tableSize: 5_000_011n } } },
      { kind: 'maglev', tableSize: 5_000_011 },
    ],
  ])('is chosen by lb_policy: %s', (_, init, expected) => {
    expect(balancerOf(init)).toEqual([expected]);
  });

  it('ignores the settings of another policy, as Envoy does', () => {
    const lbConfig = { case: 'ringHashLbConfig', value: { minimumRingSize: 7n } } as const;
    expect(balancerOf({ lbPolicy: ROUND_ROBIN, lbConfig })).toEqual([{ kind: 'roundRobin' }]);
  });

  it('has no slow start without a window', () => {
    const value = { slowStartConfig: { aggression: { defaultValue: 2 } } };
    expect(balancerOf({ lbConfig: { case: 'roundRobinLbConfig', value } })).toEqual([{ kind: 'roundRobin' }]);
  });

  it.each([77 as Cluster_LbPolicy, Cluster_LbPolicy.LOAD_BALANCING_POLICY_CONFIG])(
    'is round robin, with a warning, for policy %i',
    (lbPolicy) => {
      expect(balancerOf({ lbPolicy })).toEqual([{ kind: 'roundRobin' }, 'lb_policy']);
    },
  );

  it('falls back to lb_policy, with a warning, when nothing of the list is known', () => {
    expect(balancerOf({ ...list(someAny()), lbPolicy: RANDOM })).toEqual([{ kind: 'random' }, 'load_balancing_policy']);
  });
});

describe('the list of policies', () => {
  it.each<[string, Any, object]>([
    ['round robin', typed(RoundRobinSchema), { kind: 'roundRobin' }],
    ['random', typed(RandomSchema), { kind: 'random' }],
    ['least request', typed(LeastRequestSchema, { choiceCount: 3 }), { kind: 'leastRequest', choices: 3 }],
    [
      'ring hash',
      typed(RingHashSchema, { hashFunction: RingHash_HashFunction.XX_HASH, minimumRingSize: 5n }),
      { kind: 'ringHash', minimumRingSize: 5, maximumRingSize: 8_388_608 },
    ],
    ['Maglev', typed(MaglevSchema, { tableSize: 7n }), { kind: 'maglev', tableSize: 7 }],
    [
      'the child of wrr_locality',
      typed(WrrLocalitySchema, { endpointPickingPolicy: policies(someAny(), typed(RandomSchema)) }),
      { kind: 'random' },
    ],
    ['what the cluster provides', typed(ClusterProvidedSchema), { kind: 'roundRobin' }],
  ])('knows %s', (_, config, expected) => {
    expect(balancerOf(list(config))).toEqual([expected]);
  });

  it('counts from the first that is known', () => {
    const empty = typed(WrrLocalitySchema, { endpointPickingPolicy: policies(someAny()) });
    expect(balancerOf(list(someAny(), empty, typed(RandomSchema), typed(MaglevSchema)))).toEqual([{ kind: 'random' }]);
  });

  const path = 'load_balancing_policy.policies[0].typed_extension_config.typed_config';

  it('has stand-ins, with a warning, for weights that endpoints report and for subsets', () => {
    expect(balancerOf(list(typed(ClientSideWeightedRoundRobinSchema)))).toEqual([{ kind: 'roundRobin' }, path]);
    const subset = typed(SubsetSchema, { subsetLbPolicy: policies(typed(RandomSchema)) });
    expect(balancerOf(list(subset))).toEqual([{ kind: 'random' }, path]);
  });

  it('warns of what a hash table cannot do here', () => {
    const consistentHashingLbConfig = { useHostnameForHashing: true, hashBalanceFactor: 120 };
    expect(balancerOf(list(typed(MaglevSchema, { tableSize: 7n, consistentHashingLbConfig })))).toEqual([
      { kind: 'maglev', tableSize: 7 },
      `${path}.consistent_hashing_lb_config.use_hostname_for_hashing`,
      `${path}.consistent_hashing_lb_config.hash_balance_factor`,
    ]);
    const commonLbConfig = { consistentHashingLbConfig };
    expect(decode({ commonLbConfig })).toMatchObject({
      warnings: [
        { path: 'common_lb_config.consistent_hashing_lb_config.use_hostname_for_hashing' },
        { path: 'common_lb_config.consistent_hashing_lb_config.hash_balance_factor' },
      ],
    });
  });

  it('is an error where its bytes are broken', () => {
    const broken = { ...typed(RandomSchema), value: new Uint8Array([0xff]) };
    expect(problemsOf(decode(list(broken)))[0]).toContain('malformed protobuf');
  });
});

describe('the weights of localities', () => {
  const weightedOf = (init: ClusterInit) => {
    const result = decode(init);
    return result.ok ? result.value.localityWeighted : problemsOf(result);
  };
  const weighted = { case: 'localityWeightedLbConfig', value: {} } as const;
  const localityLbConfig = { localityConfigSpecifier: weighted };

  it('count where the cluster or its policy says so', () => {
    expect(weightedOf({ commonLbConfig: { localityConfigSpecifier: weighted } })).toBe(true);
    expect(weightedOf(list(typed(RoundRobinSchema, { localityLbConfig })))).toBe(true);
    expect(weightedOf(list(typed(LeastRequestSchema, { localityLbConfig })))).toBe(true);
    expect(weightedOf(list(typed(RandomSchema, { localityLbConfig })))).toBe(true);
    expect(weightedOf(list(typed(RingHashSchema, { localityWeightedLbConfig: {} })))).toBe(true);
    expect(weightedOf(list(typed(MaglevSchema, { localityWeightedLbConfig: {} })))).toBe(true);
    const child = policies(typed(RoundRobinSchema));
    expect(weightedOf(list(typed(WrrLocalitySchema, { endpointPickingPolicy: child })))).toBe(true);
  });

  it('do not count by the cluster where it has a list of policies', () => {
    const commonLbConfig = { localityConfigSpecifier: weighted };
    expect(weightedOf({ ...list(typed(RoundRobinSchema)), commonLbConfig })).toBe(false);
  });

  it('are not those of zones near the caller', () => {
    const zoneAware = { case: 'zoneAwareLbConfig', value: {} } as const;
    expect(decode({ commonLbConfig: { localityConfigSpecifier: zoneAware } })).toMatchObject({
      value: { localityWeighted: false },
      warnings: [{ path: 'common_lb_config.zone_aware_lb_config' }],
    });
  });
});

describe('the settings of a load balancer', () => {
  const murmur = Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2;
  const least = (value: MessageInitShape<typeof LeastRequestSchema>) => list(typed(LeastRequestSchema, value));
  const maglev = (tableSize: bigint): ClusterInit => ({
    lbPolicy: MAGLEV,
    lbConfig: { case: 'maglevLbConfig', value: { tableSize } },
  });
  const ring = (value: { minimumRingSize?: bigint; maximumRingSize?: bigint; hashFunction?: number }): ClusterInit => ({
    lbPolicy: RING_HASH,
    lbConfig: { case: 'ringHashLbConfig', value },
  });
  const slow = (value: NonNullable<MessageInitShape<typeof RoundRobinSchema>['slowStartConfig']>): ClusterInit => ({
    lbConfig: { case: 'roundRobinLbConfig', value: { slowStartConfig: value as object } },
  });

  it.each<[string, ClusterInit]>([
    ['1 choices are less than two', least({ choiceCount: 1 })],
    ['-1 should be 0 or more', least({ activeRequestBias: { defaultValue: -1 } })],
    ['NaN should be 0 or more', least({ activeRequestBias: { defaultValue: Number.NaN } })],
    ['65536 is not a prime', maglev(65_536n)],
    ['1 is not a prime', maglev(1n)],
    ['9 is not a prime', maglev(9n)],
    ['5000077 is more than 5000011', maglev(5_000_077n)],
    ['MURMUR_HASH_2 is not supported', ring({ hashFunction: murmur })],
    ['MURMUR_HASH_2 is not supported', list(typed(RingHashSchema, { hashFunction: 2 }))],
    ['10 is more than maximum_ring_size, 9', ring({ minimumRingSize: 10n, maximumRingSize: 9n })],
    ['8388609 is more than 8388608', ring({ maximumRingSize: 8_388_609n })],
    ['0 should be more than 0', slow({ aggression: { defaultValue: 0 } })],
    ['101 is not between 0 and 100', slow({ minWeightPercent: { value: 101 } })],
    ['must not be negative', slow({ slowStartWindow: { seconds: -1n } })],
  ])('are refused: %s', (message, init) => {
    expect(problemsOf(decode(init))[0]).toContain(message);
  });
});
