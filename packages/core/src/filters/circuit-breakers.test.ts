import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Call } from '../call.js';
import { MeshError } from '../errors.js';
import type { RoutingPriority } from '../model/route.js';
import { FakeReply, refused, terminated } from '../testing/fake-reply.js';
import { testRetryPolicy, testThresholds } from '../testing/index.js';
import { oneClusterMesh } from '../testing/one-cluster-mesh.js';

const outcome = fc.constantFrom('ok', '503', 'refused', 'terminated', 'silence');
const aCall = fc.record({
  outcomes: fc.array(outcome, { minLength: 1, maxLength: 4 }),
  waitMs: fc.nat(30),
  bodyMs: fc.nat(50),
  cancelAfterMs: fc.option(fc.nat(60)),
});
const limits = fc.record({ maxRequests: fc.nat(5), maxRetries: fc.nat(3) });

it('counts go back to zero, whatever comes of the calls, and never below', async () => {
  const priorities = fc.constantFrom<RoutingPriority>('default', 'high');
  await fc.assert(
    fc.asyncProperty(fc.array(aCall, { maxLength: 12 }), limits, priorities, async (calls, overrides, priority) => {
      const thresholds = { ...testThresholds, ...overrides };
      const retry = testRetryPolicy({ on: new Set(['5xx'] as const), attempts: 3, perTryTimeoutMs: 20 });
      const m = oneClusterMesh({
        action: { retry, priority, timeoutMs: 200 },
        cluster: { circuitBreakers: { default: thresholds, high: thresholds } },
      });
      const { breaker, highPriorityBreaker } = m.state;
      const check = () => {
        for (const { requests, retries, pendingRequests } of [breaker, highPriorityBreaker]) {
          expect(Math.min(requests, retries, pendingRequests)).toBeGreaterThanOrEqual(0);
          expect(requests).toBeLessThanOrEqual(thresholds.maxRequests);
          expect(retries).toBeLessThanOrEqual(thresholds.maxRetries);
        }
      };
      const outcomesOf = new Map<Call, readonly string[]>();
      m.answerWith((call) => {
        const next = outcomesOf.get(call)![call.attempt - 1];
        if (next === 'refused') return refused();
        if (next === 'terminated') return terminated();
        if (next === '503') return new FakeReply(503);
        if (next === 'silence') return new Promise((_, reject) => (call.interrupt = reject));
        return new FakeReply(200);
      });
      for (const { outcomes, waitMs, bodyMs, cancelAfterMs } of calls) {
        const call = m.call();
        outcomesOf.set(call, outcomes);
        m.service(call).then(
          (reply) => void m.clock.setTimer(bodyMs, () => (reply as FakeReply).finish()),
          () => {},
        );
        if (cancelAfterMs !== null)
          m.clock.setTimer(cancelAfterMs, () => call.cancel(new MeshError('caller_cancelled')));
        await m.clock.advanceAsync(waitMs);
        check();
      }
      await m.clock.advanceAsync(10_000);
      for (const each of [breaker, highPriorityBreaker])
        expect(each).toMatchObject({ requests: 0, retries: 0, pendingRequests: 0 });
      for (const { state } of m.endpoints) expect(state.inFlight).toBe(0);
      expect(m.clock.pendingTimers).toBe(0);
    }),
    { numRuns: 60 },
  );
});
