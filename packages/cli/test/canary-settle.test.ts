import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Counter } from '../src/canary/analysis/tally.js';
import type { CanaryEvent } from '../src/canary/events.js';
import type { Outcome } from '../src/canary/outcome.js';
import { runCanary } from '../src/canary/run-canary.js';
import { Session } from '../src/canary/session.js';
import { MemoryTarget, reviewsRoute } from './support/memory-target.js';

const reportIntervalMs = 10_000;

/** A client that calls a hundred times a second, by the weights of the moment, and reports what it has sent every 10 s. */
class Client {
  readonly #sent = { v1: 0, v2: 0 };
  reported = { v1: 0, v2: 0 };

  constructor(
    private readonly clock: FakeClock,
    private readonly target: MemoryTarget,
    firstReportMs: number,
  ) {
    clock.setTimer(10, () => this.#call());
    clock.setTimer(firstReportMs, () => this.#report());
  }

  #call(): void {
    const [v1 = 0, v2 = 0] = this.target.weights;
    this.#sent.v1 += v1 / 100;
    this.#sent.v2 += v2 / 100;
    this.clock.setTimer(10, () => this.#call());
  }

  #report(): void {
    this.reported = { ...this.#sent };
    this.clock.setTimer(reportIntervalMs, () => this.#report());
  }
}

let clock: FakeClock;
let target: MemoryTarget;
let client: Client;
let events: CanaryEvent[];
let outage: Error | undefined;

beforeEach(() => {
  clock = new FakeClock();
  target = new MemoryTarget(reviewsRoute({ v1: 100, v2: 0 }));
  events = [];
  outage = undefined;
});

async function start(settleMs: number, steps = [20, 100]) {
  const options = { target, to: 'v2', steps, mustResume: false, force: false, now: () => clock.now(), warn: () => {} };
  const session = await Session.begin(options);
  let outcome: Outcome | undefined;
  const of = (version: 'v1' | 'v2'): ReadonlyMap<string, Counter> =>
    new Map([['a', { succeeded: client.reported[version], failed: 0 }]]);
  void runCanary({
    session,
    metrics: {
      ...{ description: 'a test', settleMs },
      read: async () => {
        if (outage !== undefined) throw outage;
        return { canary: of('v2'), stable: of('v1') };
      },
    },
    limits: { successRate: 0.99, minRequests: 50, latency: undefined },
    pace: { settleMs, intervalMs: 20_000, windows: 2, maxWaitMs: 60_000 },
    clock,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    rollbackOnInterrupt: false,
  }).then((end) => {
    outcome = end;
  });
  return { outcome: () => outcome };
}

/** v2 has all for a while, until v1 has as many ms before a report. */
async function runBefore(untilReportMs: number): Promise<void> {
  target.change(reviewsRoute({ v1: 0, v2: 100 }));
  client = new Client(clock, target, 5000);
  await clock.advanceAsync(45_000 - untilReportMs);
  target.change(reviewsRoute({ v1: 100, v2: 0 }));
}

const windows = () => events.flatMap((event) => (event.event === 'window' ? [event] : []));
/** Rounded: shares of calls are added up. */
const counted = () => windows().map(({ canary, stable }) => [Math.round(canary.requests), Math.round(stable.requests)]);

describe('a window of a canary', () => {
  it.each([1, 5000, 9999])('counts no call of before its step, with a report %d ms after it', async (untilReportMs) => {
    await runBefore(untilReportMs);
    await start(11_000);
    await clock.advanceAsync(30_999);
    expect(target.weights).toEqual([80, 20]);
    await clock.advanceAsync(1);
    expect(target.weights).toEqual([0, 100]);
    await clock.advanceAsync(31_000);
    // Each window has two reports, of 10 s each.
    expect(counted()).toEqual([
      [400, 1600],
      [2000, 0],
    ]);
  });

  it('without settling counts what a report brings of before', async () => {
    await runBefore(1);
    await start(0);
    await clock.advanceAsync(20_000);
    // 10 s of all of it, and 10 s of a fifth.
    expect(counted()).toEqual([[1200, 800]]);
  });

  it('begins when the weights have settled and the metrics can be asked, and tells of the time until then', async () => {
    await runBefore(5000);
    await start(11_000);
    const settling = () => events.flatMap((event) => (event.event === 'settling' ? [event.elapsedMs] : []));
    await clock.advanceAsync(10_999);
    expect(settling()).toEqual([0, 5000, 10_000]);
    outage = new Error('away');
    await clock.advanceAsync(20_000);
    expect(target.weights).toEqual([80, 20]);
    outage = undefined;
    await clock.advanceAsync(1);
    expect(events.some(({ event }) => event === 'progress')).toBe(false);
    await clock.advanceAsync(30_000);
    expect(target.weights).toEqual([0, 100]);
    expect(counted()).toEqual([[400, 1600]]);
  });

  it('that never begins takes the traffic back after --max-wait', async () => {
    await runBefore(5000);
    const { outcome } = await start(11_000);
    outage = new Error('away');
    await clock.advanceAsync(70_999);
    expect(outcome()).toBeUndefined();
    await clock.advanceAsync(10_000);
    expect(outcome()).toEqual({ kind: 'rolled_back', reason: 'not enough to judge by: away' });
    expect(target.weights).toEqual([100, 0]);
  });
});
