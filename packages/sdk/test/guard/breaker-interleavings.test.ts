import { FakeClock } from '@inmesh/core/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Breaker, type Phase } from '../../src/guard/breaker.js';

const openMs = 1000;
type Step = 'admit' | 'success' | 'failure' | 'wait';
const steps: readonly Step[] = ['admit', 'success', 'failure', 'wait'];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Plays one interleaving; the oldest run under way is the one that ends. Returns the most probes seen at once. */
async function play(breaker: Breaker, wait: () => void, interleaving: readonly Step[]): Promise<number> {
  const running: Phase[] = [];
  let probes = new Map<Phase, number>();
  for (const step of interleaving) {
    if (step === 'wait') wait();
    else if (step === 'admit') {
      const phase = breaker.admit();
      if (phase === undefined) continue;
      running.push(phase);
      if (phase.kind === 'halfOpen') probes = probes.set(phase, (probes.get(phase) ?? 0) + 1);
    } else {
      const phase = running.shift();
      if (phase !== undefined) breaker.settle(phase, step === 'failure');
      for (let turn = 0; turn < 4; turn += 1) await undefined;
    }
  }
  return Math.max(0, ...probes.values());
}

/** All of this depth, except those that end a run when none can be under way: a shorter one does the same. */
function* interleavings(depth: number, before: readonly Step[] = [], admitted = 0): Generator<readonly Step[]> {
  if (depth === 0) yield before;
  else {
    for (const step of steps) {
      const change = step === 'admit' ? 1 : step === 'wait' ? 0 : -1;
      if (admitted + change >= 0) yield* interleavings(depth - 1, [...before, step], admitted + change);
    }
  }
}

test('in every interleaving of 10 steps one probe passes at most, and the breaker is never stuck', {
  timeout: 60_000,
}, async () => {
  const policy = {
    consecutiveErrors: 1,
    errorThresholdPercentage: 100,
    volumeThreshold: 1000,
    windowMs: 10_000,
    openMs,
    isFailure: () => true,
  };
  for (const interleaving of interleavings(10)) {
    const clock = new FakeClock();
    const breaker = new Breaker(policy, clock);
    const wait = () => {
      clock.advance(openMs);
      vi.advanceTimersByTime(openMs);
    };
    const probes = await play(breaker, wait, interleaving);
    // The probe runs out, it opens again, it is half-open again: then the next call passes, whatever came before.
    wait();
    wait();
    const passes = breaker.admit() !== undefined;
    breaker.shutdown();
    const timersLeft = clock.pendingTimers + vi.getTimerCount();
    if (probes > 1 || !passes || timersLeft > 0) {
      expect({ interleaving, probes, passes, timersLeft }).toBe('one probe, a way out, no timers');
    }
  }
});
