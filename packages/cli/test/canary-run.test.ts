import { KubernetesError } from '@inmesh/control-plane';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Counter } from '../src/canary/analysis/tally.js';
import type { CanaryEvent } from '../src/canary/events.js';
import type { Outcome } from '../src/canary/outcome.js';
import { formatRecord, parseRecord } from '../src/canary/record.js';
import { runCanary } from '../src/canary/run-canary.js';
import { plan, Session, type SessionOptions } from '../src/canary/session.js';
import { MemoryTarget, reviewsRoute } from './support/memory-target.js';

let clock: FakeClock;
let target: MemoryTarget;
let events: CanaryEvent[];
let abort: AbortController;
/** Requests of v2 in a second, and how many of them fail. */
let load: { requests: number; failed: number };
let outage: Error | undefined;

beforeEach(() => {
  clock = new FakeClock();
  target = new MemoryTarget(reviewsRoute({ v1: 100, v2: 0 }));
  events = [];
  abort = new AbortController();
  load = { requests: 100, failed: 0 };
  outage = undefined;
});

const begun = Date.parse('2026-01-01T00:00:00Z');
const wall = () => begun + clock.now();

function sessionOptions(options: Partial<SessionOptions> = {}): SessionOptions {
  return {
    ...{ target, to: 'v2', steps: [10, 50, 100], mustResume: false, force: false, now: wall },
    warn: (message) => events.push({ event: 'warning', message }),
    ...options,
  };
}

function counter(): Counter {
  const seconds = clock.now() / 1000;
  return { succeeded: seconds * (load.requests - load.failed), failed: seconds * load.failed };
}

async function start(options: Partial<SessionOptions> = {}, rollbackOnInterrupt = false) {
  const session = await Session.begin(sessionOptions(options));
  let outcome: Outcome | undefined;
  void runCanary({
    session,
    metrics: {
      description: 'a test',
      settleMs: 0,
      read: async () => {
        if (outage !== undefined) throw outage;
        return { canary: new Map([['a', counter()]]), stable: new Map() };
      },
    },
    limits: { successRate: 0.99, minRequests: 100, latency: undefined },
    pace: { settleMs: 0, intervalMs: 10_000, windows: 2, maxWaitMs: 60_000 },
    clock,
    emit: (event) => events.push(event),
    signal: abort.signal,
    rollbackOnInterrupt,
  }).then((end) => {
    outcome = end;
  });
  return { outcome: () => outcome };
}

const shown = (kind: CanaryEvent['event']) => events.filter(({ event }) => event === kind);

describe('a canary', () => {
  it('takes the steps at the ends of windows, and leaves no trace of itself', async () => {
    const { outcome } = await start();
    expect(target.weights).toEqual([90, 10]);
    await clock.advanceAsync(9999);
    expect(target.weights).toEqual([90, 10]);
    await clock.advanceAsync(1);
    expect(target.weights).toEqual([50, 50]);
    await clock.advanceAsync(10_000);
    expect(target.weights).toEqual([0, 100]);
    expect(outcome()).toBeUndefined();
    await clock.advanceAsync(10_000);
    expect(outcome()).toEqual({ kind: 'promoted' });
    expect(target.weights).toEqual([0, 100]);
    expect(target.record).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it('goes back in the first window when a tenth fails', async () => {
    load = { requests: 100, failed: 10 };
    const { outcome } = await start();
    await clock.advanceAsync(5000);
    expect(outcome()).toEqual({ kind: 'rolled_back', reason: '90 % of 500 requests succeeded, less than 99 %' });
    expect(target.weights).toEqual([100, 0]);
    expect(target.record).toBeUndefined();
  });

  it('looks twice at what may be chance', async () => {
    load = { requests: 100, failed: 1.2 };
    const { outcome } = await start();
    await clock.advanceAsync(19_999);
    expect(target.weights).toEqual([90, 10]);
    await clock.advanceAsync(1);
    expect(outcome()?.kind).toBe('rolled_back');
    expect(shown('window')).toMatchObject([
      { window: 1, verdict: 'suspect' },
      { window: 2, verdict: 'suspect' },
    ]);
  });

  it('goes back when nobody calls the version, after a while', async () => {
    load = { requests: 0, failed: 0 };
    const { outcome } = await start();
    await clock.advanceAsync(59_999);
    expect(outcome()).toBeUndefined();
    await clock.advanceAsync(1);
    expect(outcome()).toMatchObject({ kind: 'rolled_back', reason: 'not enough to judge by: 0 of 100 requests' });
  });

  it('waits for numbers that are not to be had, and tells', async () => {
    const { outcome } = await start();
    outage = new Error('no answer');
    await clock.advanceAsync(30_000);
    expect(target.weights).toEqual([90, 10]);
    expect(shown('warning')[0]).toMatchObject({ message: 'no answer' });
    outage = undefined;
    await clock.advanceAsync(5000);
    expect(target.weights).toEqual([50, 50]);
    expect(outcome()).toBeUndefined();
  });

  it('waits for an API server that is gone for a while, and not for one that says no', async () => {
    const { outcome } = await start();
    const gone = new KubernetesError({ kind: 'unreachable', message: 'gone' });
    target.failures.push(gone, gone);
    await clock.advanceAsync(10_000);
    expect(target.weights).toEqual([90, 10]);
    await clock.advanceAsync(5000);
    expect(target.weights).toEqual([50, 50]);
    target.failures.push(new KubernetesError({ kind: 'forbidden', message: 'no' }));
    await clock.advanceAsync(5000);
    expect(outcome()).toEqual({ kind: 'failed', reason: 'no' });
  });

  it('stops where somebody else changes the weights, and says who', async () => {
    const { outcome } = await start();
    await clock.advanceAsync(5000);
    target.change(reviewsRoute({ v1: 100, v2: 0 }));
    await clock.advanceAsync(5000);
    const reason =
      'VirtualService default/reviews: argocd-controller (Apply, now) has changed the weights: they are v1=100 v2=0, and not ' +
      'v1=90 v2=10 as the canary left them. Take them back: inmesh canary vs/reviews --rollback --force (or --resume); or leave them: forget it';
    expect(outcome()).toEqual({ kind: 'conflict', reason });
    expect(target.weights).toEqual([100, 0]);
  });

  it('takes them back with --force', async () => {
    await start({ force: true });
    target.change(reviewsRoute({ v1: 100, v2: 0 }));
    await clock.advanceAsync(5000);
    expect(target.weights).toEqual([90, 10]);
    expect(shown('warning')).toHaveLength(1);
  });

  it('does not mind other changes', async () => {
    const { outcome } = await start();
    target.change({ ...target.object, more: true });
    await clock.advanceAsync(30_000);
    expect(outcome()).toEqual({ kind: 'promoted' });
    expect(target.object).toHaveProperty('more', true);
  });

  it('that is interrupted leaves the weights, and lets another go on at once', async () => {
    const { outcome } = await start();
    await clock.advanceAsync(12_000);
    abort.abort();
    await clock.advanceAsync(0);
    expect(outcome()?.kind).toBe('interrupted');
    expect(target.weights).toEqual([50, 50]);
    abort = new AbortController();
    const next = await start({ to: undefined, mustResume: true });
    await clock.advanceAsync(20_000);
    expect(next.outcome()).toEqual({ kind: 'promoted' });
  });

  it('goes back at an interrupt when it was told so', async () => {
    const { outcome } = await start({}, true);
    abort.abort();
    await clock.advanceAsync(0);
    expect(outcome()).toEqual({ kind: 'rolled_back', reason: 'interrupted' });
    expect(target.weights).toEqual([100, 0]);
  });
});

describe('a canary that is to begin', () => {
  it('leaves out steps that are behind it already', async () => {
    target = new MemoryTarget(reviewsRoute({ v1: 80, v2: 20 }));
    expect((await plan(sessionOptions())).record).toMatchObject({ steps: [50, 100], original: [[80, 20]] });
    target = new MemoryTarget(reviewsRoute({ v1: 0, v2: 100 }));
    await expect(plan(sessionOptions())).rejects.toThrow('v2 has all the traffic already');
  });

  it('is refused while another is at work', async () => {
    await start();
    await expect(plan(sessionOptions())).rejects.toThrow(
      'another canary of VirtualService default/reviews is under way, to v2 at 10 %',
    );
  });

  it('waits for the lease of one on another machine, and takes over after it', async () => {
    const { outcome } = await start();
    target.record = { ...target.record!, holder: 'elsewhere/1' };
    clock.advance(1000);
    await expect(plan(sessionOptions())).rejects.toThrow('elsewhere/1');
    target.record = { ...target.record!, renewed: new Date(wall() - 30_000).toISOString() };
    await start();
    await clock.advanceAsync(10_000);
    expect(outcome()).toMatchObject({ kind: 'conflict', reason: expect.stringContaining('is no longer in charge') });
  });

  it('is refused when one to another version has stopped half-way', async () => {
    target = new MemoryTarget(reviewsRoute({ v1: 100, v2: 0, v3: 0 }));
    await start();
    abort.abort();
    await clock.advanceAsync(0);
    await expect(plan(sessionOptions({ to: 'v3' }))).rejects.toThrow(
      'to v2 stopped at 10 %: end it with inmesh canary vs/reviews --resume, or --rollback',
    );
  });

  it('is refused where a tool of GitOps owns the weights, unless it is forced', async () => {
    target.ownedBy = 'argocd-controller (Apply, now)';
    await expect(plan(sessionOptions())).rejects.toThrow('belong to argocd-controller (Apply, now)');
    expect((await plan(sessionOptions({ force: true }))).isResumed).toBe(false);
    expect(shown('warning')).toHaveLength(1);
    expect(target.writes).toBe(0);
  });

  it('has nothing to resume where there was none', async () => {
    await expect(plan(sessionOptions({ mustResume: true }))).rejects.toThrow('there is no canary');
  });

  it('takes up a crash between the record and the weights of a file', async () => {
    await start();
    abort.abort();
    await clock.advanceAsync(0);
    target.record = { ...target.record!, step: 1 };
    await Session.begin(sessionOptions({ to: undefined, mustResume: true }));
    expect(target.weights).toEqual([50, 50]);
  });

  it('stops where the routes are others than those that it began with', async () => {
    await start();
    abort.abort();
    await clock.advanceAsync(0);
    target.change(reviewsRoute({ v1: 90, v2: 10, v3: 0 }));
    const resumed = plan(sessionOptions({ force: true }));
    await expect(resumed).rejects.toThrow('argocd-controller (Apply, now) has changed its routes');
  });
});

describe('the record of a canary', () => {
  it.each([
    '',
    '[]',
    '{"run":"a"}',
    '{"run":"a","to":"v2","steps":[1],"step":1,"started":"","renewed":"","original":[]}',
  ])('is refused when it is %j', (text) => {
    expect(() => parseRecord(text, 'the annotation')).toThrow('the annotation is no state of a canary: remove it');
  });

  it('is small, and read as it was written', async () => {
    await start();
    const text = formatRecord(target.record!);
    expect(text.length).toBeLessThan(300);
    expect(parseRecord(text, 'it')).toEqual(target.record);
  });
});
