import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ClusterHost } from '../cluster-view.js';
import { FakeClock, seededRandom, testOutlierDetection } from '../testing/index.js';
import { OutlierDetector } from './outlier-detector.js';
import { outlierKinds } from './outlier-kind.js';

const settings = fc.record({
  consecutive5xx: fc.nat(4),
  enforcingConsecutive5xx: fc.constantFrom(0, 50, 100),
  consecutiveGatewayFailure: fc.nat(4),
  enforcingConsecutiveGatewayFailure: fc.constantFrom(0, 100),
  consecutiveLocalOriginFailure: fc.nat(3),
  splitExternalLocalOriginErrors: fc.boolean(),
  intervalMs: fc.integer({ min: 1, max: 10_000 }),
  baseEjectionTimeMs: fc.nat(30_000),
  maxEjectionTimeMs: fc.nat(60_000),
  maxEjectionTimeJitterMs: fc.nat(5_000),
  maxEjectionPercent: fc.nat(100),
  alwaysEjectOneHost: fc.boolean(),
  successRateMinimumHosts: fc.integer({ min: 1, max: 4 }),
  successRateRequestVolume: fc.integer({ min: 1, max: 5 }),
  failurePercentageMinimumHosts: fc.nat(4),
  failurePercentageRequestVolume: fc.nat(5),
  enforcingFailurePercentage: fc.constantFrom(0, 100),
  enforcingFailurePercentageLocalOrigin: fc.constantFrom(0, 100),
});

const host = fc.nat(12);
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('reply'), host, status: fc.constantFrom(200, 404, 500, 503) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('connectionFailure', 'timeout', 'connected'), host }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(20_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('join', 'leave'), host }) },
);

it('never has more out than allowed, lets every host back in, and counts what it does', () => {
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 150 }), fc.nat(), (overrides, steps, seed) => {
      const clock = new FakeClock();
      const cluster = { hosts: new Map<string, ClusterHost>(), healthEpoch: 0 };
      const current = testOutlierDetection(overrides);
      const detector = new OutlierDetector({ clock, random: seededRandom(seed), settings: current, cluster });
      const newHost = (n: number): ClusterHost => ({
        address: `10.0.0.${n}:80`,
        addedAt: clock.now(),
        ejected: false,
      });
      const known = Array.from({ length: 13 }, (_, n) => newHost(n));
      for (const each of known.slice(0, 6)) cluster.hosts.set(each.address, each);

      const apply = (next: (typeof steps)[number]) => {
        if ('ms' in next) return clock.advance(next.ms);
        const target = known[next.host]!;
        if ('status' in next) return detector.onReply(target, next.status);
        if (next.kind === 'connectionFailure') return detector.onConnectionFailure(target);
        if (next.kind === 'timeout') return detector.onTimeout(target);
        if (next.kind === 'connected') return detector.onConnected(target);
        if (next.kind === 'leave') return cluster.hosts.delete(target.address);
        if (cluster.hosts.has(target.address)) return;
        known[next.host] = newHost(next.host);
        return cluster.hosts.set(target.address, known[next.host]!);
      };

      for (const next of steps) {
        const before = detector.counters.enforcedTotal;
        apply(next);
        const out = detector.ejectedHosts;
        if (detector.counters.enforcedTotal > before && out > 0) {
          const allowed = Math.floor((current.maxEjectionPercent * cluster.hosts.size) / 100);
          expect(out).toBeLessThanOrEqual(Math.max(allowed, current.alwaysEjectOneHost ? 1 : 0));
        }
        for (const each of cluster.hosts.values()) {
          expect(each.ejected).toBe(each.monitor?.standing.kind === 'ejected');
        }
      }

      const { detected, enforced, enforcedTotal, overflow } = detector.counters;
      const sum = (counts: typeof detected) => outlierKinds.reduce((total, kind) => total + counts[kind], 0);
      expect(sum(enforced)).toBe(enforcedTotal);
      expect(sum(detected)).toBeGreaterThanOrEqual(enforcedTotal + overflow);
      for (const kind of outlierKinds) expect(enforced[kind]).toBeLessThanOrEqual(detected[kind]);

      clock.advance(current.maxEjectionTimeMs + current.maxEjectionTimeJitterMs + 2 * current.intervalMs);
      expect(detector.ejectedHosts).toBe(0);
      const decay = Math.max(...known.map(({ monitor }) => monitor?.ejectionMultiplier ?? 0), 0) + 2;
      clock.advance(decay * current.intervalMs);
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 300 },
  );
});
