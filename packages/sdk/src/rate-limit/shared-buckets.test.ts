import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { sharedBuckets } from './shared-buckets.js';
import type { TokenStore } from './token-store.js';

const perHour = { maxTokens: 2, tokensPerFill: 2, fillIntervalMs: 3_600_000 };

/** A store whose every answer the test gives. */
class FakeStore implements TokenStore {
  readonly takes: { resolve(token: boolean): void; reject(error: Error): void }[] = [];
  readonly pings: { resolve(): void; reject(error: Error): void }[] = [];

  take(): Promise<boolean> {
    return new Promise((resolve, reject) => this.takes.push({ resolve, reject }));
  }

  ping(): Promise<void> {
    return new Promise((resolve, reject) => this.pings.push({ resolve, reject }));
  }

  async close(): Promise<void> {}
}

function setUp() {
  const clock = new FakeClock();
  const store = new FakeStore();
  const said: string[] = [];
  const changes: boolean[] = [];
  const logger = {
    info: (message: string) => said.push(message),
    warn: (message: string, fields?: object) => said.push(`${message}: ${JSON.stringify(fields)}`),
    error: (message: string) => said.push(message),
  };
  const buckets = sharedBuckets({ store, clock, logger, onChange: (answering) => changes.push(answering) });
  return { clock, store, said, changes, bucket: buckets('limit', perHour), other: buckets('other', perHour) };
}

/** One call that finds out that the store is away. */
async function loseStore({ clock, store, bucket }: ReturnType<typeof setUp>): Promise<boolean> {
  const taken = bucket.take();
  store.takes.at(-1)?.reject(new Error('connection refused'));
  await clock.advanceAsync(0);
  return taken;
}

describe('A bucket of the whole mesh', () => {
  it('gives what the store gives', async () => {
    const { bucket, store, clock } = setUp();
    const takes = [bucket.take(), bucket.take()];
    store.takes[0]?.resolve(true);
    store.takes[1]?.resolve(false);
    expect(await Promise.all(takes)).toEqual([true, false]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits no longer than 50 ms for the store, and counts here then', async () => {
    const { bucket, clock, said } = setUp();
    let taken: boolean | undefined;
    void Promise.resolve(bucket.take()).then((token) => {
      taken = token;
    });
    await clock.advanceAsync(49);
    expect(taken).toBeUndefined();
    await clock.advanceAsync(1);
    expect(taken).toBe(true);
    expect(said).toEqual([expect.stringContaining('no answer within 50 ms')]);
  });

  it('is counted here, without a wait, while the store is away; each limit by its own settings', async () => {
    const parts = setUp();
    expect(await loseStore(parts)).toBe(true);
    expect([1, 2, 3].map(() => parts.bucket.take())).toEqual([true, false, false]);
    expect([1, 2, 3].map(() => parts.other.take())).toEqual([true, true, false]);
    parts.clock.advance(3_600_000);
    expect(parts.bucket.take()).toBe(true);
    expect(parts.store.takes).toHaveLength(1);
  });

  it('is told of once for an outage, however many calls were waiting', async () => {
    const parts = setUp();
    const takes = Array.from({ length: 10 }, () => parts.bucket.take());
    await parts.clock.advanceAsync(50);
    expect(await Promise.all(takes)).toEqual([true, true, ...Array(8).fill(false)]);
    await parts.clock.advanceAsync(500);
    parts.bucket.take();
    expect(parts.said).toHaveLength(1);
    expect(parts.changes).toEqual([false]);
  });

  it('asks for the store once a second, and only when there are calls', async () => {
    const parts = setUp();
    await loseStore(parts);
    await parts.clock.advanceAsync(60_000);
    expect(parts.store.pings).toHaveLength(0);
    for (let i = 0; i < 30; i += 1) {
      parts.bucket.take();
      await parts.clock.advanceAsync(100);
    }
    expect(parts.store.pings).toHaveLength(3);
  });

  it('is counted together again when the store has answered in time', async () => {
    const parts = setUp();
    await loseStore(parts);
    parts.clock.advance(1000);
    parts.bucket.take();
    parts.store.pings[0]?.resolve();
    await parts.clock.advanceAsync(0);
    expect(parts.said.at(-1)).toBe('the rate limit store answers again');
    expect(parts.changes).toEqual([false, true]);
    const taken = parts.bucket.take();
    parts.store.takes.at(-1)?.resolve(false);
    expect(await taken).toBe(false);
    expect(parts.clock.pendingTimers).toBe(0);
  });

  it('stays here while the store answers late or with an error', async () => {
    const parts = setUp();
    await loseStore(parts);
    parts.clock.advance(1000);
    parts.bucket.take();
    await parts.clock.advanceAsync(50);
    parts.store.pings[0]?.resolve();
    await parts.clock.advanceAsync(1000);
    parts.bucket.take();
    parts.store.pings[1]?.reject(new Error('loading'));
    await parts.clock.advanceAsync(0);
    expect(parts.changes).toEqual([false]);
    expect(typeof parts.bucket.take()).toBe('boolean');
  });

  it('is not full again after an outage that came and went', async () => {
    const parts = setUp();
    await loseStore(parts);
    parts.bucket.take();
    expect(parts.bucket.take()).toBe(false);
    parts.clock.advance(1000);
    parts.bucket.take();
    parts.store.pings[0]?.resolve();
    await parts.clock.advanceAsync(0);
    expect(await loseStore(parts)).toBe(false);
    expect(parts.said.filter((text) => text.includes('does not answer'))).toHaveLength(2);
  });
});
