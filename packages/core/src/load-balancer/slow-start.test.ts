import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointView } from '../cluster-view.js';
import { FakeClock, testEndpointView } from '../testing/index.js';
import { WeightedLeastRequest } from './least-request.js';
import { WeightedRoundRobin } from './round-robin.js';
import { SlowStartFactor } from './slow-start.js';

const settings = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };

function addedAt(...times: number[]): EndpointView[] {
  return times.map((time, index) => testEndpointView({ host: `10.0.0.${index + 1}` }, {}, { addedAt: time }));
}

function count(balancer: { pick(): EndpointView | undefined }, views: readonly EndpointView[], picks: number) {
  const counts = views.map(() => 0);
  for (let i = 0; i < picks; i += 1) counts[views.indexOf(balancer.pick()!)]! += 1;
  return counts;
}

describe('slow start', () => {
  it('grows the weight from the minimum to the whole over the window', () => {
    const clock = new FakeClock(1000);
    const factor = new SlowStartFactor(settings, clock);
    const host = addedAt(1000)[0]!.host;
    const seen: number[] = [];
    for (const step of [0, 3000, 3000, 9000, 15_000, 29_999, 1]) {
      clock.advance(step);
      seen.push(factor.of(host));
    }
    expect(seen).toEqual([0.1, 0.1, 0.1, 0.25, 0.5, 59_999 / 60_000, 1]);
  });

  it('bends the growth by the aggression', () => {
    const clock = new FakeClock(15_000);
    const factorWith = (aggression: number) => new SlowStartFactor({ ...settings, aggression }, clock);
    const host = addedAt(0)[0]!.host;
    expect(factorWith(2).of(host)).toBeCloseTo(0.5, 12);
    expect(factorWith(0.5).of(host)).toBe(0.1); // 0.25 ^ 2, below the minimum
  });

  it('never shrinks with age, stays between the minimum and 1, and is 1 after the window', () => {
    const anySettings = fc.record({
      windowMs: fc.integer({ min: 1, max: 100_000 }),
      aggression: fc.double({ min: 0.1, max: 10, noNaN: true }),
      minWeightPercent: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(anySettings, fc.array(fc.nat(20_000), { maxLength: 10 }), (any, steps) => {
        const clock = new FakeClock();
        const factor = new SlowStartFactor(any, clock);
        const { host } = addedAt(0)[0]!;
        let before = any.minWeightPercent / 100;
        for (const step of [0, ...steps, any.windowMs]) {
          clock.advance(step);
          const now = factor.of(host);
          expect(now).toBeGreaterThanOrEqual(before);
          expect(now).toBeLessThanOrEqual(1);
          before = now;
        }
        expect(before).toBe(1);
      }),
    );
  });

  it('counts a host of this moment as one millisecond old, where there is no minimum', () => {
    const factor = new SlowStartFactor({ ...settings, minWeightPercent: 0 }, new FakeClock());
    expect(factor.of(addedAt(0)[0]!.host)).toBe(1 / 60_000);
  });

  it('treats the endpoints a cluster begins with alike', () => {
    const views = addedAt(0, 0);
    const balancer = new WeightedRoundRobin(views, () => 0, new SlowStartFactor(settings, new FakeClock()));
    expect(count(balancer, views, 20)).toEqual([10, 10]);
  });

  it('gives a new endpoint a tenth of its turns, half of them at half of the window, all after it', () => {
    const clock = new FakeClock(100_000);
    const views = addedAt(0, 100_000);
    const balancer = new WeightedRoundRobin(views, () => 0, new SlowStartFactor(settings, clock));
    expect(count(balancer, views, 110)).toEqual([100, 10]);
    clock.advance(30_000);
    count(balancer, views, 30); // the turn that was set at a tenth has come
    expect(count(balancer, views, 30)).toEqual([20, 10]);
    clock.advance(30_000);
    count(balancer, views, 3);
    expect(count(balancer, views, 30)).toEqual([15, 15]);
  });

  it('divides the weight of least request, too', () => {
    const clock = new FakeClock(130_000);
    const views = addedAt(0, 100_000);
    views[0]!.state.inFlight = 1;
    const balancer = new WeightedLeastRequest(views, () => 0, 1, new SlowStartFactor(settings, clock));
    // 1 / 2 against 0.5 / 1.
    expect(count(balancer, views, 20)).toEqual([10, 10]);
  });
});
