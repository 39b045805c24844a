import { describe, expect, it } from 'vitest';
import type { ClusterHost } from '../cluster-view.js';
import type { OutlierDetection } from '../model/cluster.js';
import { FakeClock, seededRandom, testOutlierDetection } from '../testing/index.js';
import { OutlierDetector } from './outlier-detector.js';

function detection(hostCount: number, overrides: Partial<OutlierDetection> = {}) {
  const clock = new FakeClock();
  const hosts = new Map<string, ClusterHost>();
  for (let i = 1; i <= hostCount; i += 1) {
    hosts.set(`10.0.0.${i}:80`, { address: `10.0.0.${i}:80`, addedAt: 0, ejected: false });
  }
  const cluster = { hosts, healthEpoch: 0 };
  const settings = testOutlierDetection(overrides);
  const detector = new OutlierDetector({ clock, random: seededRandom(1), settings, cluster });
  const host = (n: number) => hosts.get(`10.0.0.${n}:80`)!;
  return {
    clock,
    cluster,
    detector,
    settings,
    host,
    ejected: () => [...hosts.values()].flatMap((each, index) => (each.ejected ? [index + 1] : [])),
    replies(n: number, status: number, times = 1) {
      for (let i = 0; i < times; i += 1) detector.onReply(host(n), status);
    },
  };
}

describe('consecutive failures', () => {
  it('eject at the fifth 5xx in a row, and tell the balancers', () => {
    const d = detection(10);
    d.replies(1, 500, 4);
    expect(d.ejected()).toEqual([]);
    d.replies(1, 500);
    expect(d.ejected()).toEqual([1]);
    expect(d.cluster.healthEpoch).toBe(1);
    expect(d.detector.counters).toMatchObject({
      enforcedTotal: 1,
      overflow: 0,
      detected: { consecutive_5xx: 1 },
      enforced: { consecutive_5xx: 1 },
    });
  });

  it('begin anew with every other answer', () => {
    const d = detection(10);
    d.replies(1, 500, 4);
    d.replies(1, 404);
    d.replies(1, 500, 4);
    expect(d.ejected()).toEqual([]);
  });

  it('are gateway failures for 502, 503 and 504 alone', () => {
    const d = detection(10, { consecutiveGatewayFailure: 3, enforcingConsecutiveGatewayFailure: 100 });
    d.replies(1, 503, 2);
    d.replies(1, 500);
    d.replies(1, 504);
    expect(d.ejected()).toEqual([]);
    d.replies(2, 502);
    d.replies(2, 503);
    d.replies(2, 504);
    expect(d.ejected()).toEqual([2]);
    expect(d.detector.counters.enforced.consecutive_gateway_failure).toBe(1);
  });

  it('eject nothing at a threshold of zero', () => {
    const d = detection(10, { consecutive5xx: 0, consecutiveGatewayFailure: 0 });
    d.replies(1, 503, 1000);
    expect(d.detector.counters.detected.consecutive_5xx).toBe(0);
    expect(d.ejected()).toEqual([]);
  });

  it('are detected again after as many failures as before where they are not enforced', () => {
    const d = detection(10, { enforcingConsecutive5xx: 0 });
    d.replies(1, 500, 14);
    expect(d.detector.counters.detected.consecutive_5xx).toBe(2);
    expect(d.ejected()).toEqual([]);
  });

  it('are enforced in their share of the cases', () => {
    const d = detection(1000, { enforcingConsecutive5xx: 30, consecutive5xx: 1, maxEjectionPercent: 100 });
    for (let n = 1; n <= 1000; n += 1) d.replies(n, 500);
    expect(d.detector.counters.detected.consecutive_5xx).toBe(1000);
    expect(d.ejected().length / 1000).toBeCloseTo(0.3, 1);
  });

  it('count failures of this side as 503 and 504 unless they are split off', () => {
    const d = detection(10, { consecutiveGatewayFailure: 4, enforcingConsecutiveGatewayFailure: 100 });
    d.detector.onConnectionFailure(d.host(1));
    d.detector.onTimeout(d.host(1));
    d.replies(1, 502);
    d.detector.onTimeout(d.host(1));
    expect(d.ejected()).toEqual([1]);
    expect(d.detector.counters.detected.consecutive_local_origin_failure).toBe(0);
  });

  it('take the statuses that the configuration names for errors, and no others', () => {
    const d = detection(10, { consecutive5xx: 2, errorStatuses: [429, 503] });
    d.replies(1, 500, 5);
    d.replies(2, 429, 2);
    expect(d.ejected()).toEqual([2]);
  });
});

describe('failures of local origin, split off', () => {
  const split = { splitExternalLocalOriginErrors: true };

  it('eject after five in a row, whatever the answers between them were', () => {
    const d = detection(10, split);
    for (let i = 0; i < 4; i += 1) d.detector.onConnectionFailure(d.host(1));
    d.replies(1, 200);
    d.detector.onTimeout(d.host(1));
    expect(d.ejected()).toEqual([1]);
    expect(d.detector.counters.enforced.consecutive_local_origin_failure).toBe(1);
  });

  it('begin anew with every connection', () => {
    const d = detection(10, split);
    for (let i = 0; i < 20; i += 1) {
      d.detector.onConnected(d.host(1));
      d.detector.onTimeout(d.host(1));
    }
    expect(d.ejected()).toEqual([]);
  });

  it('do not count as 5xx', () => {
    const d = detection(10, { ...split, enforcingConsecutiveLocalOriginFailure: 0 });
    for (let i = 0; i < 20; i += 1) d.detector.onConnectionFailure(d.host(1));
    expect(d.detector.counters.detected).toMatchObject({ consecutive_5xx: 0, consecutive_local_origin_failure: 4 });
  });
});

describe('the share that may be out', () => {
  it('lets nothing go from nine hosts at 10 %, and one from ten', () => {
    const nine = detection(9);
    nine.replies(1, 500, 5);
    expect(nine.ejected()).toEqual([]);
    expect(nine.detector.counters.overflow).toBe(1);
    const ten = detection(10);
    ten.replies(1, 500, 5);
    ten.replies(2, 500, 5);
    expect(ten.ejected()).toEqual([1]);
    expect(ten.detector.counters.overflow).toBe(1);
  });

  it('lets the first go where one always may', () => {
    const d = detection(2, { alwaysEjectOneHost: true });
    d.replies(1, 500, 5);
    d.replies(2, 500, 5);
    expect(d.ejected()).toEqual([1]);
  });

  it('forgets a host that was out and has left', () => {
    const d = detection(11);
    d.replies(1, 500, 5);
    d.cluster.hosts.delete(d.host(1).address);
    d.replies(2, 500, 5);
    expect(d.host(2).ejected).toBe(true);
    expect(d.detector.ejectedHosts).toBe(1);
  });
});

describe('the time of an ejection', () => {
  const quick = { consecutive5xx: 1, maxEjectionPercent: 100, intervalMs: 10_000, baseEjectionTimeMs: 30_000 };

  it('ends at the first sweep after it', () => {
    const d = detection(2, { ...quick, baseEjectionTimeMs: 25_000 });
    d.replies(1, 500);
    d.clock.advance(29_999);
    expect(d.ejected()).toEqual([1]);
    d.clock.advance(1);
    expect(d.ejected()).toEqual([]);
    expect(d.cluster.healthEpoch).toBe(2);
  });

  it('grows with each ejection up to its cap', () => {
    const d = detection(2, { ...quick, maxEjectionTimeMs: 70_000 });
    for (const forMs of [30_000, 60_000, 70_000, 70_000]) {
      d.replies(1, 500);
      d.clock.advance(forMs - 1);
      expect(d.ejected()).toEqual([1]);
      d.clock.advance(1);
      expect(d.ejected()).toEqual([]);
    }
  });

  it('shrinks by one step with each interval without ejection', () => {
    const d = detection(2, quick);
    d.replies(1, 500);
    d.clock.advance(30_000);
    d.replies(1, 500);
    d.clock.advance(60_000);
    expect(d.ejected()).toEqual([]);
    expect(d.host(1).monitor!.ejectionMultiplier).toBe(2);
    d.clock.advance(10_000);
    expect(d.host(1).monitor!.ejectionMultiplier).toBe(1);
    d.replies(1, 500);
    d.clock.advance(60_000);
    expect(d.ejected()).toEqual([]);
  });

  it('is jittered so that hosts do not all come back at once', () => {
    const d = detection(50, { ...quick, maxEjectionTimeJitterMs: 30_000 });
    for (let n = 1; n <= 50; n += 1) d.replies(n, 500);
    d.clock.advance(30_000);
    const after = [d.ejected().length];
    for (let i = 0; i < 3; i += 1) {
      d.clock.advance(10_000);
      after.push(d.ejected().length);
    }
    expect(after).toEqual([50, 30, 13, 0]);
  });

  it('forgets the failures from before', () => {
    const d = detection(10, { consecutive5xx: 2 });
    d.replies(1, 500, 3);
    d.clock.advance(30_000);
    d.replies(1, 500);
    expect(d.ejected()).toEqual([]);
  });
});

describe('the sweep', () => {
  it('ejects the one host whose success rate is far below the others’', () => {
    const d = detection(5, { maxEjectionPercent: 20, consecutive5xx: 0 });
    for (let n = 1; n <= 4; n += 1) d.replies(n, 200, 100);
    d.replies(5, 200, 50);
    d.replies(5, 500, 50);
    d.clock.advance(10_000);
    expect(d.ejected()).toEqual([5]);
    expect(d.detector.counters.enforced.success_rate).toBe(1);
  });

  it.each([
    ['too few hosts', 4, 100],
    ['too few requests', 5, 99],
  ])('does not judge by success rate with %s', (_, hosts, requests) => {
    const d = detection(hosts, { maxEjectionPercent: 100, consecutive5xx: 0 });
    for (let n = 1; n < hosts; n += 1) d.replies(n, 200, 100);
    d.replies(hosts, 500, requests);
    d.clock.advance(10_000);
    expect(d.detector.counters.detected.success_rate).toBe(0);
  });

  it('judges each interval by itself', () => {
    const d = detection(5, { maxEjectionPercent: 100, consecutive5xx: 0 });
    for (let n = 1; n <= 5; n += 1) d.replies(n, n === 5 ? 500 : 200, 60);
    d.clock.advance(10_000);
    for (let n = 1; n <= 5; n += 1) d.replies(n, n === 5 ? 500 : 200, 60);
    d.clock.advance(10_000);
    expect(d.detector.counters.detected.success_rate).toBe(0);
  });

  it('ejects by failure percentage where that is enforced', () => {
    const d = detection(5, { maxEjectionPercent: 100, consecutive5xx: 0, enforcingFailurePercentage: 100 });
    for (const [n, failures] of [
      [1, 100],
      [2, 85],
      [3, 84],
      [4, 0],
      [5, 0],
    ] as const) {
      d.replies(n, 500, failures);
      d.replies(n, 200, 100 - failures);
    }
    d.clock.advance(10_000);
    expect(d.ejected()).toEqual([1, 2]);
    expect(d.detector.counters.enforced.failure_percentage).toBe(2);
  });

  it('judges failures of local origin apart', () => {
    const d = detection(5, {
      splitExternalLocalOriginErrors: true,
      maxEjectionPercent: 100,
      enforcingConsecutiveLocalOriginFailure: 0,
      enforcingFailurePercentageLocalOrigin: 100,
    });
    for (let n = 1; n <= 5; n += 1) {
      for (let i = 0; i < 100; i += 1) {
        if (n === 5) d.detector.onConnectionFailure(d.host(n));
        else d.detector.onConnected(d.host(n));
      }
    }
    d.clock.advance(10_000);
    expect(d.ejected()).toEqual([5]);
    expect(d.detector.counters.detected).toMatchObject({
      local_origin_success_rate: 1,
      local_origin_failure_percentage: 0,
      success_rate: 0,
    });
  });

  it('runs while there is something to sweep, and no longer', () => {
    const d = detection(10);
    expect(d.clock.pendingTimers).toBe(0);
    d.replies(1, 200);
    expect(d.clock.pendingTimers).toBe(1);
    d.clock.advance(20_000);
    expect(d.clock.pendingTimers).toBe(0);
    d.replies(1, 500, 5);
    d.clock.advance(30_000);
    expect(d.ejected()).toEqual([]);
    d.clock.advance(30_000);
    expect(d.clock.pendingTimers).toBe(0);
  });
});

describe('a change', () => {
  it('of settings keeps what was learnt', () => {
    const d = detection(10);
    d.replies(1, 500, 3);
    d.detector.settings = { ...d.settings, consecutive5xx: 4 };
    d.replies(1, 500);
    expect(d.ejected()).toEqual([1]);
  });

  it('that ends the detection lets every host back in, and later results count for nothing', () => {
    const d = detection(10);
    d.replies(1, 500, 5);
    d.detector.close();
    expect(d.ejected()).toEqual([]);
    expect(d.clock.pendingTimers).toBe(0);
    d.replies(1, 500, 5);
    expect(d.ejected()).toEqual([]);
    expect(d.clock.pendingTimers).toBe(0);
  });

  it('of endpoints leaves the results of calls to a host that has left', () => {
    const d = detection(10);
    const gone = d.host(1);
    d.cluster.hosts.delete(gone.address);
    for (let i = 0; i < 5; i += 1) d.detector.onReply(gone, 500);
    expect(gone.ejected).toBe(false);
    expect(d.clock.pendingTimers).toBe(0);
  });
});
