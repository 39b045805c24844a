import { describe, expect, it } from 'vitest';
import type { RetryCondition } from '../model/route.js';
import { FakeReply, terminated } from '../testing/fake-reply.js';
import { testThresholds } from '../testing/index.js';
import { retryMesh } from '../testing/one-cluster-mesh.js';

const on = (...conditions: RetryCondition[]) => new Set<RetryCondition>(conditions);

describe('what is counted of retries', () => {
  it('tells retries, their successes, their limit and what was not allowed', async () => {
    const m = retryMesh(
      { on: on('5xx'), attempts: 1 },
      { cluster: { retryBudget: { percent: 0, minConcurrency: 1 } } },
    );
    m.answerWith((_, attempt) => new FakeReply(attempt === 1 ? 503 : 200));
    await m.send();
    expect(m.state.counters).toMatchObject({ upstreamRqRetry: 1, upstreamRqRetrySuccess: 1 });
    expect(m.state.breaker.totalRequests).toBe(2);
    m.answerWith(() => new FakeReply(503));
    await m.send();
    expect(m.state.counters).toMatchObject({ upstreamRqRetry: 2, upstreamRqRetryLimitExceeded: 1 });
    const waiting = [m.service(m.call()), m.service(m.call())];
    await m.clock.advanceAsync(1000);
    await Promise.all(waiting);
    expect(m.state.counters).toMatchObject({ upstreamRqRetry: 3, upstreamRqRetryOverflow: 1 });
  });

  it('counts a route of high priority against its own limits', async () => {
    const limits = { ...testThresholds, maxRequests: 0 };
    const cluster = { circuitBreakers: { default: limits, high: testThresholds } };
    const high = retryMesh({ on: on('5xx') }, { cluster, action: { priority: 'high' } });
    high.answerWith((_, attempt) => new FakeReply(attempt === 1 ? 503 : 200));
    const reply = await high.send();
    expect(reply.httpStatus).toBe(200);
    expect(high.state.highPriorityBreaker.requests).toBe(1);
    expect(high.state.breaker.requests).toBe(0);
    await expect(retryMesh({}, { cluster }).send()).rejects.toMatchObject({ reason: 'upstream_overflow' });
  });

  it.each([
    ['answered', 3, 0],
    ['answered', 4, 1],
    ['broken off', 3, 0],
    ['broken off', 4, 1],
  ])(
    'counts a call that was %s once among the active ones of its budget: %i others, %i retries',
    async (how, others, retries) => {
      const m = retryMesh({ on: on('5xx') }, { cluster: { retryBudget: { percent: 20, minConcurrency: 0 } } });
      m.answerWith(() => new Promise(() => {}));
      for (let i = 0; i < others; i += 1) void m.service(m.call());
      m.answerWith((_, attempt) => {
        if (attempt > others + 1) return new FakeReply(200);
        return how === 'answered' ? new FakeReply(503) : terminated();
      });
      await m.send({ method: 'POST' }).catch(() => {});
      expect(m.state.counters.upstreamRqRetry).toBe(retries);
    },
  );

  it('does not count retries against their limit where a budget is configured', async () => {
    const none = { ...testThresholds, maxRetries: 0 };
    const m = retryMesh(
      { on: on('5xx') },
      { cluster: { circuitBreakers: { default: none, high: none }, retryBudget: { percent: 20, minConcurrency: 3 } } },
    );
    m.answerWith((_, attempt) => new FakeReply(attempt === 1 ? 503 : 200));
    expect((await m.send()).httpStatus).toBe(200);
    expect(m.state.breaker.retries).toBe(0);
  });
});
