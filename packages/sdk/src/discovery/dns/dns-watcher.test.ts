import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { DnsWatcher, type DnsWatcherOptions } from './dns-watcher.js';
import type { Resolution, ServiceResolution } from './resolution.js';

const target = { hostname: 'reviews', port: 80 };
const failure: Resolution = { kind: 'failure', reason: 'servfail' };
const notFound: Resolution = { kind: 'notFound', ttlSeconds: 5 };
const good = (addresses: readonly string[], ttlSeconds = 5): Resolution => ({
  kind: 'addresses',
  addresses,
  ttlSeconds,
  partial: false,
});

let clock: FakeClock;
/** What the resolver says now, and when it was asked. */
let answer: Resolution;
let serviceAnswer: ServiceResolution;
let askedAt: number[];

beforeEach(() => {
  clock = new FakeClock();
  answer = good(['10.0.0.1']);
  askedAt = [];
});

function watcherOf(options: Partial<DnsWatcherOptions> = {}): DnsWatcher {
  const resolver = {
    resolveName: async () => {
      askedAt.push(clock.now());
      return answer;
    },
    resolveService: async () => serviceAnswer,
  };
  return new DnsWatcher({ clock, random: () => 0, resolver, ...options });
}

/** Watches the target and notes each time and what was told: addresses, or the state where there are none. */
function record(watcher: DnsWatcher, watched: Parameters<DnsWatcher['watch']>[0] = target) {
  const told: [number, string[] | string][] = [];
  const subscription = watcher.watch(watched, (endpoints, state) => {
    told.push([clock.now(), endpoints.length > 0 ? endpoints.map((endpoint) => endpoint.address) : state.kind]);
  });
  return { told, subscription };
}

async function turnTo(next: Resolution, ms: number): Promise<void> {
  answer = next;
  await clock.advanceAsync(ms);
}

describe('DnsWatcher', () => {
  it('tells the first result and asks again when its lifetime ends', async () => {
    const { told } = record(watcherOf());
    await clock.advanceAsync(11_000);
    expect(askedAt).toEqual([0, 5_000, 10_000]);
    expect(told).toEqual([[0, ['10.0.0.1:80']]]);
  });

  it('asks up to a tenth earlier', async () => {
    record(watcherOf({ random: () => 0.5 }));
    await clock.advanceAsync(9_500);
    expect(askedAt).toEqual([0, 4_750, 9_500]);
  });

  it.each([
    [0, 1_000],
    [3600, 30_000],
  ])('limits a lifetime of %d s to %d ms', async (ttlSeconds, expected) => {
    answer = good(['10.0.0.1'], ttlSeconds);
    record(watcherOf());
    await clock.advanceAsync(expected);
    expect(askedAt).toEqual([0, expected]);
  });

  it('tells only real changes: neither order nor a new lifetime is one', async () => {
    answer = good(['10.0.0.1', '10.0.0.2']);
    const { told } = record(watcherOf());
    await turnTo(good(['10.0.0.2', '10.0.0.1'], 7), 5_000);
    await turnTo(good(['10.0.0.3', '10.0.0.1']), 12_000);
    expect(told).toEqual([
      [0, ['10.0.0.1:80', '10.0.0.2:80']],
      [12_000, ['10.0.0.1:80', '10.0.0.3:80']],
    ]);
  });

  it('writes IPv6 addresses in brackets', async () => {
    answer = good(['10.0.0.1', 'fd00::1']);
    const { subscription } = record(watcherOf());
    await clock.advanceAsync(0);
    expect(subscription.state).toMatchObject({
      kind: 'resolved',
      endpoints: [
        { address: '10.0.0.1:80', host: '10.0.0.1', port: 80, priority: 0, weight: 1 },
        { address: '[fd00::1]:80', host: 'fd00::1', port: 80, priority: 0, weight: 1 },
      ],
    });
  });

  it('takes ports, priorities and weights from SRV records, with weights of at least 1', async () => {
    serviceAnswer = {
      kind: 'targets',
      targets: [
        { host: '10.0.0.2', port: 9081, weight: 0, priority: 1 },
        { host: '10.0.0.1', port: 9080, weight: 50, priority: 0 },
        { host: '10.0.0.1', port: 9080, weight: 50, priority: 1 },
      ],
      ttlSeconds: 5,
      partial: false,
    };
    const watcher = watcherOf();
    expect(await watcher.firstResult({ ...target, srv: '_http._tcp.reviews' })).toMatchObject({
      endpoints: [
        { address: '10.0.0.1:9080', priority: 0, weight: 50 },
        { address: '10.0.0.2:9081', priority: 1, weight: 1 },
      ],
    });
  });

  it('keeps the last good endpoints through failures, asking again after a growing pause', async () => {
    const { told, subscription } = record(watcherOf({ random: () => 0.5 }));
    await turnTo(good(['10.0.0.1'], 2), 4_750);
    await turnTo(failure, 600_000);
    expect(told).toHaveLength(1);
    expect(subscription.state).toMatchObject({ kind: 'stale', reason: 'servfail', endpoints: [{ host: '10.0.0.1' }] });
    const failedAt = askedAt.slice(2, 8);
    expect(failedAt.slice(1).map((at, i) => at - failedAt[i]!)).toEqual([250, 750, 1_750, 3_750, 5_000]);
  });

  it('takes up a good answer after failures and starts the pauses from the shortest again', async () => {
    const { told, subscription } = record(watcherOf({ random: () => 0.999 }));
    await turnTo(failure, 60_000);
    await turnTo(good(['10.0.0.2']), 10_000);
    expect(subscription.state).toMatchObject({ kind: 'resolved', endpoints: [{ host: '10.0.0.2' }] });
    expect(told.map(([, what]) => what)).toEqual([['10.0.0.1:80'], ['10.0.0.2:80']]);
    const before = askedAt.length;
    await turnTo(failure, 5_100);
    expect(askedAt.length - before).toBeGreaterThanOrEqual(2);
  });

  it('keeps them through «there are none» for 30 s, then tells that it is empty', async () => {
    const { told } = record(watcherOf());
    await turnTo(notFound, 34_999);
    expect(told).toHaveLength(1);
    await clock.advanceAsync(1);
    expect(told).toEqual([
      [0, ['10.0.0.1:80']],
      [35_000, 'empty'],
    ]);
  });

  it('ends the hold on time also when the server wants «there are none» believed for longer', async () => {
    const { told } = record(watcherOf());
    await turnTo({ kind: 'notFound', ttlSeconds: 22 }, 35_000);
    expect(askedAt).toEqual([0, 5_000, 27_000, 35_000]);
    expect(told.at(-1)).toEqual([35_000, 'empty']);
  });

  it('tells nothing while the name flaps', async () => {
    const { told } = record(watcherOf());
    for (let flap = 0; flap < 20; flap += 1) {
      await turnTo(notFound, 20_000);
      await turnTo(good(['10.0.0.1']), 5_000);
    }
    expect(told).toHaveLength(1);
  });

  it('finds endpoints again after it was empty, within the lifetime of «there are none»', async () => {
    answer = notFound;
    const { told } = record(watcherOf());
    await clock.advanceAsync(2_000);
    await turnTo(good(['10.0.0.1']), 3_000);
    expect(told).toEqual([
      [0, 'empty'],
      [5_000, ['10.0.0.1:80']],
    ]);
  });

  it('tells at most one change a second, the newest', async () => {
    const { told } = record(watcherOf({ minRefreshMs: 100 }));
    await clock.advanceAsync(0);
    for (let i = 2; i < 200; i += 1) await turnTo(good([`10.0.0.${i}`], 0.1), i === 2 ? 5_000 : 100);
    const times = told.map(([at]) => at);
    expect(Math.min(...times.slice(1).map((at, i) => at - times[i]!))).toBe(1_000);
    expect(told.length).toBeGreaterThan(15);
    await clock.advanceAsync(1_000);
    expect(told.at(-1)![1]).toEqual(['10.0.0.199:80']);
  });

  it('tells nothing when a change is taken back within the second', async () => {
    answer = good(['10.0.0.1'], 0.1);
    const { told } = record(watcherOf({ minRefreshMs: 100 }));
    await turnTo(good(['10.0.0.2'], 0.1), 500);
    await turnTo(good(['10.0.0.1'], 0.1), 5_000);
    expect(told).toEqual([[0, ['10.0.0.1:80']]]);
  });

  it('tells the first endpoints at once after a bad start', async () => {
    answer = failure;
    const { told } = record(watcherOf({ random: () => 0.2 }));
    await clock.advanceAsync(50);
    await turnTo(good(['10.0.0.1']), 100);
    expect(told).toEqual([
      [0, 'failed'],
      [100, ['10.0.0.1:80']],
    ]);
  });

  it('shares one target among watchers, tells late ones what is known, and stops with the last', async () => {
    const watcher = watcherOf();
    const first = record(watcher);
    await clock.advanceAsync(2_000);
    const late = record(watcher);
    expect(late.told).toEqual([]);
    await clock.advanceAsync(0);
    expect(late.told).toEqual([[2_000, ['10.0.0.1:80']]]);
    expect(askedAt).toEqual([0]);

    first.subscription.close();
    first.subscription.close();
    await turnTo(good(['10.0.0.2']), 5_000);
    expect(first.told).toHaveLength(1);
    expect(late.told).toHaveLength(2);

    late.subscription.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps targets with other ports or SRV names apart', async () => {
    serviceAnswer = { kind: 'notFound', ttlSeconds: 5 };
    const watcher = watcherOf();
    const plain = record(watcher);
    const other = record(watcher, { hostname: 'reviews', port: 81 });
    const srv = record(watcher, { ...target, srv: '_http._tcp.reviews' });
    await clock.advanceAsync(0);
    expect([plain, other, srv].map(({ told }) => told[0]![1])).toEqual([['10.0.0.1:80'], ['10.0.0.1:81'], 'empty']);
  });

  it('does not ask again for a literal', async () => {
    answer = good(['10.0.0.1'], Number.POSITIVE_INFINITY);
    record(watcherOf());
    await clock.advanceAsync(1_000_000);
    expect(askedAt).toEqual([0]);
  });

  it('gives the first result, known or to come, good or bad', async () => {
    const watcher = watcherOf();
    record(watcher);
    expect(await watcher.firstResult(target)).toMatchObject({ kind: 'resolved' });
    expect(await watcher.firstResult(target)).toMatchObject({ kind: 'resolved' });
    expect(askedAt).toEqual([0]);
    answer = failure;
    expect(await watcher.firstResult({ ...target, port: 81 })).toEqual({ kind: 'failed', reason: 'servfail' });
  });

  it('tells watchers before it settles a first result', async () => {
    const watcher = watcherOf();
    const { told } = record(watcher);
    await watcher.firstResult(target);
    expect(told).toHaveLength(1);
    const late = record(watcher);
    await watcher.firstResult(target);
    expect(late.told).toHaveLength(1);
  });

  it('lets no listener that throws disturb the others', async () => {
    const errors: unknown[] = [];
    const watcher = watcherOf({ onListenerError: (error) => errors.push(error) });
    watcher.watch(target, () => {
      throw new Error('broken listener');
    });
    const { told } = record(watcher);
    await turnTo(good(['10.0.0.2']), 5_000);
    expect(told).toHaveLength(2);
    expect(errors).toHaveLength(2);
    await clock.advanceAsync(5_000);
    expect(askedAt).toEqual([0, 5_000, 10_000]);
  });

  it('is quiet once it is closed', async () => {
    const watcher = watcherOf();
    const { told } = record(watcher);
    const waiting = watcher.firstResult({ ...target, port: 81 });
    watcher.close();
    expect(await waiting).toEqual({ kind: 'failed', reason: 'closed' });
    expect(await watcher.firstResult(target)).toEqual({ kind: 'failed', reason: 'closed' });
    expect(record(watcher).subscription.state).toEqual({ kind: 'failed', reason: 'closed' });
    await clock.advanceAsync(100_000);
    expect(told).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
