import { describe, expect, it } from 'vitest';
import type { RateLimit, RateLimitAction } from '../model/route.js';
import { FakeClock, seededRandom, testCall, testRateLimit } from '../testing/index.js';
import { RateLimiter } from './rate-limiter.js';
import type { Bucket } from './token-bucket.js';

const perSecond = (count: number) => ({ maxTokens: count, tokensPerFill: count, fillIntervalMs: 1000 });
const everyFiveSeconds = { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 5000 };

function limiterOf(random = () => 0, shared?: (id: string) => Bucket) {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ clock, random, sourceCluster: 'shop.default', ...(shared && { shared }) });
  const passed = (limits: readonly RateLimit[], calls: number, call = testCall()) => {
    let count = 0;
    for (let i = 0; i < calls; i += 1) if (limiter.check(limits, 'inbound', call) === undefined) count += 1;
    return count;
  };
  return { clock, limiter, passed };
}

/** Calls with the header `tier: gold` have a bucket of their own. */
function tiers(overrides: Partial<RateLimit> = {}): RateLimit {
  return testRateLimit({
    bucket: perSecond(10),
    actions: [[{ kind: 'requestHeader', name: 'tier', key: 'tier', skipIfAbsent: false }]],
    descriptors: [{ entries: [{ key: 'tier', value: 'gold' }], bucket: perSecond(4) }],
    ...overrides,
  });
}

const gold = testCall({ headers: { tier: 'gold' } });

describe('A rate limiter', () => {
  it('lets as many calls through as the bucket has tokens', () => {
    const { clock, passed } = limiterOf();
    const limits = [testRateLimit({ bucket: perSecond(500) })];
    expect(passed(limits, 600)).toBe(500);
    clock.advance(1000);
    expect(passed(limits, 600)).toBe(500);
  });

  it('names the limit that refuses', () => {
    const { limiter } = limiterOf();
    const limit = testRateLimit({ bucket: { ...everyFiveSeconds, maxTokens: 0 } });
    expect(limiter.check([limit], 'inbound', testCall())).toBe(limit);
  });

  it('looks at limits of its side alone', () => {
    const { limiter } = limiterOf();
    const limits = [testRateLimit({ side: 'outbound', bucket: everyFiveSeconds })];
    expect([1, 2, 3].map(() => limiter.check(limits, 'inbound', testCall()))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('shares the buckets of equally named limits of different routes', () => {
    const { passed } = limiterOf();
    const here = [testRateLimit({ bucket: perSecond(5) })];
    const there = [testRateLimit({ bucket: perSecond(5) })];
    expect(passed(here, 3) + passed(there, 10)).toBe(5);
    expect(passed([testRateLimit({ name: 'other', bucket: perSecond(5) })], 10)).toBe(5);
  });

  it('gives limits without a name their own buckets', () => {
    const { passed } = limiterOf();
    const here = [testRateLimit({ name: '', bucket: perSecond(5) })];
    const there = [testRateLimit({ name: '', bucket: perSecond(5) })];
    expect(passed(here, 3) + passed(there, 10) + passed(here, 10)).toBe(10);
  });

  it('keeps a bucket over new configuration while its settings are the same', () => {
    const { passed } = limiterOf();
    passed([tiers()], 10);
    passed([tiers()], 4, gold);
    expect(passed([tiers({ httpStatus: 503 })], 10)).toBe(0);
    expect(passed([tiers({ bucket: perSecond(11) })], 20)).toBe(11);
    expect(passed([tiers({ bucket: perSecond(12) })], 20, gold)).toBe(0);
  });

  it('counts a call once where its route carries one limit twice', () => {
    const { passed } = limiterOf();
    const limits = [testRateLimit({ bucket: perSecond(6) }), testRateLimit({ bucket: perSecond(6) })];
    expect(passed(limits, 10)).toBe(6);
  });

  it('asks the slowest bucket first, so that what it refuses takes no token of the others', () => {
    const { clock, passed } = limiterOf();
    const all = testRateLimit({ name: 'all', bucket: perSecond(5) });
    const reviews = testRateLimit({ name: 'reviews', bucket: everyFiveSeconds });
    expect(passed([all, reviews], 100)).toBe(1);
    expect(passed([all], 100)).toBe(4);
    clock.advance(5000);
    expect(passed([all, reviews], 100)).toBe(1);
  });
});

describe('A limit with descriptors', () => {
  it('counts a call that one matches in its bucket and in the default one', () => {
    const { passed } = limiterOf();
    expect(passed([tiers()], 10, gold)).toBe(4);
    expect(passed([tiers()], 20)).toBe(6);
  });

  it('leaves the default bucket to the other calls when it says so', () => {
    const { passed } = limiterOf();
    const limits = [tiers({ alwaysConsumeDefault: false })];
    expect(passed(limits, 10, gold)).toBe(4);
    expect(passed(limits, 20)).toBe(10);
  });

  it('without a default bucket lets the other calls pass', () => {
    const { passed } = limiterOf();
    const limits = [tiers({ bucket: undefined })];
    expect(passed(limits, 100)).toBe(100);
    expect(passed(limits, 100, gold)).toBe(4);
  });

  const entries: readonly [RateLimitAction, { key: string; value: string }][] = [
    [{ kind: 'sourceCluster' }, { key: 'source_cluster', value: 'shop.default' }],
    [{ kind: 'destinationCluster' }, { key: 'destination_cluster', value: 'reviews' }],
    [{ kind: 'remoteAddress' }, { key: 'remote_address', value: '10.0.0.1' }],
    [
      { kind: 'genericKey', key: 'k', value: 'v' },
      { key: 'k', value: 'v' },
    ],
    [
      { kind: 'requestHeader', name: 'tier', key: 'level', skipIfAbsent: false },
      { key: 'level', value: 'gold,old' },
    ],
    [
      { kind: 'requestHeader', name: ':method', key: 'm', skipIfAbsent: false },
      { key: 'm', value: 'PUT' },
    ],
    [
      { kind: 'queryParameter', name: 'user', key: 'u', skipIfAbsent: false },
      { key: 'u', value: 'ann' },
    ],
    [
      {
        kind: 'headerValueMatch',
        key: 'header_match',
        value: 'writes',
        expect: true,
        headers: [exactly(':method', 'PUT'), exactly('tier', 'gold,old')],
      },
      { key: 'header_match', value: 'writes' },
    ],
    [
      {
        kind: 'headerValueMatch',
        key: 'header_match',
        value: 'no reads',
        expect: false,
        headers: [exactly(':method', 'GET')],
      },
      { key: 'header_match', value: 'no reads' },
    ],
  ];

  it.each(entries)('makes of %j the entry %j', (action, entry) => {
    const { passed } = limiterOf();
    const call = testCall({ method: 'PUT', path: '/x?user=ann', headers: { tier: ['gold', 'old'] } });
    call.sourceAddress = '::ffff:10.0.0.1';
    call.target = { cluster: 'reviews', weight: 1 };
    const descriptors = [{ entries: [entry], bucket: perSecond(3) }];
    expect(passed([testRateLimit({ actions: [[action]], descriptors })], 10, call)).toBe(3);
  });

  it.each<RateLimitAction>([
    { kind: 'destinationCluster' },
    { kind: 'remoteAddress' },
    { kind: 'requestHeader', name: 'tier', key: 'k', skipIfAbsent: false },
    { kind: 'queryParameter', name: 'user', key: 'k', skipIfAbsent: false },
    { kind: 'headerValueMatch', key: 'k', value: 'v', expect: true, headers: [exactly('tier', 'gold')] },
  ])('has no descriptor where %j finds nothing', (action) => {
    const { passed } = limiterOf();
    const known: RateLimitAction = { kind: 'genericKey', key: 'a', value: 'b' };
    const descriptors = [{ entries: [{ key: 'a', value: 'b' }], bucket: perSecond(3) }];
    expect(passed([testRateLimit({ actions: [[known, action]], descriptors })], 10)).toBe(10);
  });

  it('leaves out an entry that may be missing', () => {
    const { passed } = limiterOf();
    const actions: RateLimitAction[] = [
      { kind: 'genericKey', key: 'a', value: 'b' },
      { kind: 'requestHeader', name: 'tier', key: 'k', skipIfAbsent: true },
      { kind: 'queryParameter', name: 'user', key: 'k', skipIfAbsent: true },
    ];
    const descriptors = [{ entries: [{ key: 'a', value: 'b' }], bucket: perSecond(3) }];
    expect(passed([testRateLimit({ actions: [actions], descriptors })], 10)).toBe(3);
  });

  it('cannot be deceived by a header that looks like two entries', () => {
    const { passed } = limiterOf();
    const actions: RateLimitAction[] = [{ kind: 'requestHeader', name: 'tier', key: 'a', skipIfAbsent: false }];
    const both = {
      entries: [
        { key: 'a', value: 'x' },
        { key: 'b', value: 'y' },
      ],
      bucket: perSecond(3),
    };
    const call = testCall({ headers: { tier: 'x1:b1:y' } });
    expect(passed([testRateLimit({ actions: [actions], descriptors: [both] })], 10, call)).toBe(10);
  });
});

describe('Shares of a limit', () => {
  it('count only the calls that are drawn', () => {
    const { passed } = limiterOf(seededRandom(7));
    const limits = [testRateLimit({ bucket: { ...everyFiveSeconds, maxTokens: 0 }, enabledPerMillion: 250_000 })];
    expect(passed(limits, 10_000)).toBeGreaterThan(7400);
    expect(passed(limits, 10_000)).toBeLessThan(7600);
  });

  it('carry out none of the refusals when they are zero', () => {
    const { passed } = limiterOf();
    expect(passed([testRateLimit({ bucket: everyFiveSeconds, enforcedPerMillion: 0 })], 10)).toBe(10);
  });
});

describe('A limit of the whole mesh', () => {
  it('takes its tokens from the store, under one id for equal limits', async () => {
    const ids: string[] = [];
    const answers = [true, false];
    const { limiter } = limiterOf(undefined, (id) => {
      ids.push(id);
      return { take: async () => answers.shift()! };
    });
    const make = () => testRateLimit({ scope: 'mesh', bucket: perSecond(3) });
    const limit = make();
    expect(await limiter.check([make()], 'inbound', testCall())).toBeUndefined();
    expect(await limiter.check([limit], 'inbound', testCall())).toBe(limit);
    expect(ids).toEqual(['inbound|mesh|limit|3/3/1000|']);
  });

  it('goes on with the local buckets when the store has given a token', async () => {
    const { limiter } = limiterOf(undefined, () => ({ take: async () => true }));
    const mine = testRateLimit({ name: 'mine', bucket: { maxTokens: 1, tokensPerFill: 9, fillIntervalMs: 1000 } });
    const limits = [testRateLimit({ scope: 'mesh', bucket: everyFiveSeconds }), mine];
    expect(await limiter.check(limits, 'inbound', testCall())).toBeUndefined();
    expect(await limiter.check(limits, 'inbound', testCall())).toBe(mine);
  });

  it('is counted by each process where there is no store', () => {
    const { passed } = limiterOf();
    expect(passed([testRateLimit({ scope: 'mesh', bucket: perSecond(3) })], 10)).toBe(3);
  });
});

function exactly(name: string, value: string) {
  const matcher = { kind: 'exact', value, ignoreCase: false } as const;
  return { name, test: { kind: 'string', matcher }, invert: false, treatMissingAsEmpty: false } as const;
}
