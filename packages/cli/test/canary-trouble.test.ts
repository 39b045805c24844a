import { hostname } from 'node:os';
import { KubernetesError } from '@inmesh/control-plane';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Limits } from '../src/canary/analysis/judge.js';
import type { Counter, Reading } from '../src/canary/analysis/tally.js';
import type { CanaryEvent } from '../src/canary/events.js';
import type { Outcome } from '../src/canary/outcome.js';
import { isHeld, ownHolder } from '../src/canary/record.js';
import { currentPercent } from '../src/canary/routes/split.js';
import { runCanary } from '../src/canary/run-canary.js';
import { plan, Session, type SessionOptions } from '../src/canary/session.js';
import { Passing } from '../src/canary/target/target.js';
import { MemoryTarget, reviewsRoute } from './support/memory-target.js';

let clock: FakeClock;
let target: MemoryTarget;
let events: CanaryEvent[];
let abort: AbortController;
/** What has been counted until now; undefined: it hangs until the signal. */
let read: (() => Reading) | undefined;

beforeEach(() => {
  clock = new FakeClock();
  target = new MemoryTarget(reviewsRoute({ v1: 100, v2: 0 }));
  events = [];
  abort = new AbortController();
  read = () => ({ canary: of({ succeeded: 20 * seconds(), failed: 0 }), stable: new Map() });
});

const wall = () => Date.parse('2026-01-01T00:00:00Z') + clock.now();
const seconds = () => clock.now() / 1000;
const of = (counter: Counter) => new Map([['a', counter]]);
const lasting = (ms: number) => {
  const requests = 20 * seconds();
  return { succeeded: requests, failed: 0, durations: new Map([[ms, requests]]) };
};

const sessionOptions = (options: Partial<SessionOptions> = {}): SessionOptions => ({
  ...{ target, to: 'v2', steps: [10, 50, 100], mustResume: false, force: false, now: wall },
  warn: (message) => events.push({ event: 'warning', message }),
  ...options,
});

async function start(more: { latency?: Limits['latency']; rollbackOnInterrupt?: boolean } = {}) {
  const session = await Session.begin(sessionOptions());
  let outcome: Outcome | undefined;
  void runCanary({
    session,
    metrics: {
      description: 'a test',
      settleMs: 0,
      read: async (_canary, _stable, signal) => {
        if (read !== undefined) return read();
        await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
        throw new Error('was told to stop');
      },
    },
    limits: { successRate: 0.99, minRequests: 100, latency: more.latency },
    pace: { settleMs: 0, intervalMs: 10_000, windows: 2, maxWaitMs: 60_000 },
    clock,
    emit: (event) => events.push(event),
    signal: abort.signal,
    rollbackOnInterrupt: more.rollbackOnInterrupt ?? false,
  }).then((end) => {
    outcome = end;
  });
  return { outcome: () => outcome };
}

const gone = () => new KubernetesError({ kind: 'unreachable', message: 'gone' });
const warnings = () => events.flatMap((event) => (event.event === 'warning' ? [event.message] : []));

describe('a step that looked well', () => {
  it('is not passed when nothing was seen of the version lately', async () => {
    read = () => ({ canary: of({ succeeded: 40 * Math.min(seconds(), 4), failed: 0 }), stable: new Map() });
    const { outcome } = await start();
    await clock.advanceAsync(59_999);
    expect(target.weights).toEqual([90, 10]);
    await clock.advanceAsync(1);
    expect(outcome()).toMatchObject({
      kind: 'rolled_back',
      reason: 'not enough to judge by: no requests in the last 5s',
    });
  });

  it('is not passed by numbers that are none', async () => {
    read = () => ({ canary: of({ succeeded: Number.NaN, failed: Number.NaN }), stable: new Map() });
    const { outcome } = await start();
    await clock.advanceAsync(60_000);
    expect(outcome()?.kind).toBe('rolled_back');
    expect(target.weights).toEqual([100, 0]);
  });

  it('goes back when calls of the host reach no version', async () => {
    read = () => ({
      ...{ canary: new Map(), stable: of({ succeeded: 180 * seconds(), failed: 0 }) },
      lost: of({ succeeded: 0, failed: 20 * seconds() }),
    });
    const { outcome } = await start();
    await clock.advanceAsync(5000);
    expect(outcome()?.reason).toContain('100 of 1000 calls of the host reached no version');
  });

  it('is passed by what the others tell while one server is away', async () => {
    const reading = read!;
    read = () => ({ ...reading(), problems: ['b is away'] });
    const { outcome } = await start();
    await clock.advanceAsync(30_000);
    expect(outcome()).toEqual({ kind: 'promoted' });
  });

  it('does not count what a server that comes back had counted before', async () => {
    read = () => ({
      canary: seconds() < 6 ? new Map() : of({ succeeded: 5000, failed: 0 }),
      ...{ stable: new Map(), problems: ['b is away'] },
    });
    await start();
    await clock.advanceAsync(20_000);
    expect(target.weights).toEqual([90, 10]);
    expect(warnings()[0]).toBe('b is away');
  });
});

describe('the latency of the stable version', () => {
  const relative = { kind: 'relative', factor: 1.5 } as const;

  it('is kept for the last step, which it takes no part in', async () => {
    read = () => ({
      canary: of(lasting(120)),
      stable: target.weights[0] === 0 ? new Map() : of(lasting(100)),
    });
    const { outcome } = await start({ latency: relative });
    await clock.advanceAsync(20_000);
    expect(target.record?.stableP99Ms).toBe(99);
    await clock.advanceAsync(10_000);
    expect(outcome()).toEqual({ kind: 'promoted' });
  });

  it('is kept by the record, for who goes on at the last step', async () => {
    const stable = () => (target.weights[0] === 0 ? new Map() : of(lasting(100)));
    read = () => ({ canary: of(lasting(120)), stable: stable() });
    await start({ latency: relative });
    await clock.advanceAsync(22_000);
    abort.abort();
    await clock.advanceAsync(0);
    abort = new AbortController();
    const { outcome } = await start({ latency: relative });
    await clock.advanceAsync(10_000);
    expect(outcome()).toEqual({ kind: 'promoted' });
  });
});

describe('an interrupt', () => {
  it('takes the traffic back as soon as the API server is there again', async () => {
    const { outcome } = await start({ rollbackOnInterrupt: true });
    target.failures.push(gone(), gone(), gone());
    abort.abort();
    await clock.advanceAsync(14_999);
    expect([outcome(), target.weights]).toEqual([undefined, [90, 10]]);
    await clock.advanceAsync(1);
    expect([outcome(), target.weights]).toEqual([{ kind: 'rolled_back', reason: 'interrupted' }, [100, 0]]);
  });

  it('gives up after --max-wait', async () => {
    const { outcome } = await start({ rollbackOnInterrupt: true });
    target.failures.push(...Array.from({ length: 50 }, gone));
    abort.abort();
    await clock.advanceAsync(60_000);
    expect(outcome()).toEqual({ kind: 'failed', reason: 'gone' });
  });

  it('is heard while the numbers are waited for', async () => {
    const { outcome } = await start();
    read = undefined;
    await clock.advanceAsync(5000);
    abort.abort();
    await clock.advanceAsync(0);
    expect(outcome()?.kind).toBe('interrupted');
    expect(warnings()).toEqual([]);
  });
});

describe('a write whose answer is lost', () => {
  it('is no change of somebody else, in a step or in the end', async () => {
    const { outcome } = await start();
    await clock.advanceAsync(9999);
    target.lostAnswers.push(gone());
    await clock.advanceAsync(1);
    expect([outcome(), target.weights]).toEqual([undefined, [50, 50]]);
    await clock.advanceAsync(5000);
    expect(target.weights).toEqual([50, 50]);
    await clock.advanceAsync(10_000);
    expect(target.weights).toEqual([0, 100]);
    target.lostAnswers.push(gone());
    await clock.advanceAsync(15_000);
    expect(outcome()).toEqual({ kind: 'promoted' });
  });
});

describe('an object that cannot be read', () => {
  it('for a while, as a file that is being saved, is looked at again', async () => {
    const { outcome } = await start();
    target.failures.push(new Passing('it is half there'));
    await clock.advanceAsync(35_000);
    expect(outcome()).toEqual({ kind: 'promoted' });
    expect(warnings()).toEqual(['it is half there']);
  });

  it('leaves behind what was known of it last', async () => {
    let known: unknown;
    await Session.begin(
      sessionOptions({ saw: (split, weights) => (known = [currentPercent(split, weights), weights]) }),
    );
    expect(known).toEqual([10, [[90, 10]]]);
  });

  it('that has lost its record says who wrote last', async () => {
    const { outcome } = await start();
    target.record = undefined;
    await clock.advanceAsync(5000);
    expect(outcome()?.reason).toContain(
      'is no longer in charge: its state is gone from the record, and argocd-controller (Apply, now) wrote last',
    );
  });
});

describe('who is at work', () => {
  const heldBy = (holder: string, agoMs = 0) => {
    const renewed = new Date(wall() - agoMs).toISOString();
    const record = { run: 'a', to: 'v2', steps: [100], step: 0, started: renewed, original: [] };
    return isHeld({ ...record, holder, renewed }, wall());
  };
  const parent = `${hostname()}/${process.ppid}/abc`;

  it('is not one who had the host and the pid of this process, as in a container that began anew', () => {
    expect(heldBy(`${hostname()}/${process.pid}/abc`)).toBe(false);
    expect(heldBy(ownHolder)).toBe(true);
    expect(heldBy(`elsewhere/${process.pid}/abc`)).toBe(true);
  });

  it('is nobody who has not said so for 30 s, on this machine too', () => {
    expect([heldBy(parent), heldBy(parent, 29_999), heldBy(parent, 30_000)]).toEqual([true, true, false]);
  });

  it('gives way to --force when it is silent, and not before', async () => {
    await start();
    abort.abort();
    await clock.advanceAsync(0);
    target.record = { ...target.record!, holder: parent, renewed: new Date(wall()).toISOString() };
    clock.advance(19_999);
    await expect(plan(sessionOptions({ force: true }))).rejects.toThrow('is under way');
    clock.advance(1);
    await expect(plan(sessionOptions())).rejects.toThrow('is under way');
    expect((await plan(sessionOptions({ force: true }))).isResumed).toBe(true);
  });
});

describe('a version of several hosts', () => {
  const rule = (host: string) => ({
    route: ['v1', 'v2'].map((subset, at) => ({ destination: { host, subset }, weight: at === 0 ? 100 : 0 })),
  });

  it('is resumed with the host that it was begun with, and with no other', async () => {
    target.change({ ...target.object, spec: { http: [rule('ratings'), rule('reviews')] } });
    await expect(plan(sessionOptions())).rejects.toThrow('name one with --host');
    const session = await Session.begin(sessionOptions({ host: 'reviews' }));
    await session.release();
    expect(target.weights).toEqual([100, 0]);
    const resumed = await plan(sessionOptions({ to: undefined, mustResume: true }));
    expect(resumed.split.rules.map(({ label }) => label)).toEqual(['spec.http[1]']);
    await expect(plan(sessionOptions({ host: 'ratings' }))).rejects.toThrow('to v2 of reviews stopped at 10 %');
  });
});
