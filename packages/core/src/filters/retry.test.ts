import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.js';
import type { RetryCondition, RetryPolicy } from '../model/route.js';
import { FakeReply, refused, terminated } from '../testing/fake-reply.js';
import { type OneClusterSetup, oneClusterMesh, retryMesh } from '../testing/one-cluster-mesh.js';

const exact = (name: string, value: string) => ({
  name,
  test: { kind: 'string', matcher: { kind: 'exact', value, ignoreCase: false } } as const,
  invert: false,
  treatMissingAsEmpty: false,
});

const on = (...conditions: RetryCondition[]) => new Set<RetryCondition>(conditions);

class GrpcReply extends FakeReply {
  override readonly grpcStatus: number;

  constructor(status: number) {
    super(200);
    this.grpcStatus = status;
  }
}

/** Whether the first outcome is retried under the conditions. */
async function isRetried(
  first: () => FakeReply | MeshError,
  retry: Partial<RetryPolicy>,
  init: { method?: string; headers?: Record<string, string>; replayable?: boolean } = {},
): Promise<boolean> {
  const m = retryMesh(retry);
  m.answerWith((_, attempt) => (attempt === 1 ? first() : new FakeReply(200)));
  await m.send({ method: 'POST', ...init }).catch(() => {});
  return m.sent.length === 2;
}

describe('a reply is retried', () => {
  it.each<[number, RetryCondition, boolean]>([
    [500, '5xx', true],
    [599, '5xx', true],
    [499, '5xx', false],
    [600, '5xx', false],
    [502, 'gateway-error', true],
    [503, 'gateway-error', true],
    [504, 'gateway-error', true],
    [500, 'gateway-error', false],
    [409, 'retriable-4xx', true],
    [429, 'retriable-4xx', false],
    [503, 'reset', false],
    [503, 'connect-failure', false],
  ])('%i under %s: %s', async (status, condition, expected) => {
    expect(await isRetried(() => new FakeReply(status), { on: on(condition) })).toBe(expected);
  });

  const words: RetryCondition[] = [
    ...(['5xx', 'gateway-error', 'connect-failure', 'refused-stream', 'reset', 'reset-before-request'] as const),
    ...(['retriable-4xx', 'retriable-status-codes', 'retriable-headers', 'envoy-ratelimited'] as const),
    ...(['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'] as const),
  ];

  it.each<[string, () => FakeReply, RetryCondition[]]>([
    ['200', () => new FakeReply(200), []],
    ['404', () => new FakeReply(404), []],
    ['409', () => new FakeReply(409), ['retriable-4xx']],
    ['418, which the policy names', () => new FakeReply(418), ['retriable-status-codes']],
    ['429', () => new FakeReply(429), []],
    ['500', () => new FakeReply(500), ['5xx']],
    ['501', () => new FakeReply(501), ['5xx']],
    ['502', () => new FakeReply(502), ['5xx', 'gateway-error']],
    ['503', () => new FakeReply(503), ['5xx', 'gateway-error']],
    ['504', () => new FakeReply(504), ['5xx', 'gateway-error']],
    ['200 with a header that the policy names', () => new FakeReply(200, { 'x-try': 'again' }), ['retriable-headers']],
    ['429 of a rate limit', () => new FakeReply(429, { 'x-envoy-ratelimited': 'true' }), ['envoy-ratelimited']],
    ['503 of a rate limit', () => new FakeReply(503, { 'x-envoy-ratelimited': 'true' }), ['envoy-ratelimited']],
    ['418 of a rate limit', () => new FakeReply(418, { 'x-envoy-ratelimited': '' }), ['envoy-ratelimited']],
    ['gRPC OK', () => new GrpcReply(0), []],
    ['gRPC CANCELLED', () => new GrpcReply(1), ['cancelled']],
    ['gRPC UNKNOWN', () => new GrpcReply(2), []],
    ['gRPC DEADLINE_EXCEEDED', () => new GrpcReply(4), ['deadline-exceeded']],
    ['gRPC RESOURCE_EXHAUSTED', () => new GrpcReply(8), ['resource-exhausted']],
    ['gRPC INTERNAL', () => new GrpcReply(13), ['internal']],
    ['gRPC UNAVAILABLE', () => new GrpcReply(14), ['unavailable']],
  ])('after %s under these words of retry_on and no other (retry_state_impl.cc)', async (_, reply, expected) => {
    const retrying: RetryCondition[] = [];
    for (const word of words) {
      const retry = { on: on(word), statusCodes: [418], headers: [exact('x-try', 'again')] };
      if (await isRetried(reply, retry)) retrying.push(word);
    }
    expect(retrying).toEqual(expected);
  });

  it('for the status codes that the policy names', async () => {
    const retry = { on: on('retriable-status-codes'), statusCodes: [418] };
    expect(await isRetried(() => new FakeReply(418), retry)).toBe(true);
    expect(await isRetried(() => new FakeReply(503), retry)).toBe(false);
  });

  it('for a response header that one of the matchers takes', async () => {
    const retry = { on: on('retriable-headers'), headers: [exact('x-try', 'again'), exact(':status', '404')] };
    expect(await isRetried(() => new FakeReply(200, { 'x-try': 'again' }), retry)).toBe(true);
    expect(await isRetried(() => new FakeReply(404), retry)).toBe(true);
    expect(await isRetried(() => new FakeReply(200, { 'x-try': 'no' }), retry)).toBe(false);
    expect(await isRetried(() => new FakeReply(404), { ...retry, on: on('5xx') })).toBe(false);
  });

  it.each<[number, RetryCondition]>([
    [1, 'cancelled'],
    [4, 'deadline-exceeded'],
    [8, 'resource-exhausted'],
    [13, 'internal'],
    [14, 'unavailable'],
  ])('for gRPC status %i under %s alone', async (status, condition) => {
    expect(await isRetried(() => new GrpcReply(status), { on: on(condition) })).toBe(true);
    expect(await isRetried(() => new GrpcReply(0), { on: on(condition) })).toBe(false);
    expect(await isRetried(() => new GrpcReply(2), { on: on(condition) })).toBe(false);
  });

  it('when a rate limit made it only if the policy names that, whatever the status', async () => {
    const limited = () => new FakeReply(503, { 'x-envoy-ratelimited': 'true' });
    expect(await isRetried(limited, { on: on('5xx') })).toBe(false);
    expect(await isRetried(limited, { on: on('envoy-ratelimited') })).toBe(true);
  });

  it('only for requests that one of the policy’s conditions takes', async () => {
    const retry = { on: on('5xx'), requestHeaders: [exact('x-safe', 'yes'), exact(':method', 'GET')] };
    const failing = () => new FakeReply(500);
    expect(await isRetried(failing, retry)).toBe(false);
    expect(await isRetried(failing, retry, { headers: { 'x-safe': 'yes' } })).toBe(true);
    expect(await isRetried(failing, retry, { method: 'GET' })).toBe(true);
  });

  it('never when its call was cancelled meanwhile', async () => {
    const m = retryMesh({ on: on('5xx') });
    const call = m.call();
    m.answerWith(() => {
      call.cancel(new MeshError('caller_cancelled', {}));
      return new FakeReply(503);
    });
    const reply = await m.send(call);
    expect(reply.discarded).toBe(false);
    expect(m.state.counters.upstreamRqRetry).toBe(0);
  });

  it('never when the body of the request has been read', async () => {
    expect(await isRetried(() => new FakeReply(500), { on: on('5xx') }, { replayable: false })).toBe(false);
  });
});

describe('a failure is retried', () => {
  const unsentReset = () => new MeshError('upstream_reset');
  const perTryTimeout = () => new MeshError('upstream_per_try_timeout', { maybeSent: true });
  const cases: [string, () => MeshError, RetryCondition[]][] = [
    ['a refused connection', refused, ['connect-failure', 'reset-before-request', 'reset', '5xx', 'gateway-error']],
    ['a broken connection', terminated, ['reset', '5xx', 'gateway-error']],
    [
      'a stream that was refused',
      unsentReset,
      ['refused-stream', 'reset-before-request', 'connect-failure', 'reset', '5xx', 'gateway-error'],
    ],
    ['a try’s timeout', perTryTimeout, ['reset', '5xx', 'gateway-error']],
    ['an overflow', () => new MeshError('upstream_overflow'), []],
    ['the route’s timeout', () => new MeshError('upstream_request_timeout', { maybeSent: true }), []],
  ];
  const conditions: RetryCondition[] = [
    '5xx',
    'gateway-error',
    'connect-failure',
    'refused-stream',
    'reset',
    'reset-before-request',
    'retriable-4xx',
    'retriable-status-codes',
    'retriable-headers',
    'envoy-ratelimited',
    'unavailable',
  ];

  it.each(cases)('after %s under Envoy’s conditions for it', async (_, failure, expected) => {
    const retrying: RetryCondition[] = [];
    for (const condition of conditions) {
      if (await isRetried(failure, { on: on(condition) })) retrying.push(condition);
    }
    expect(new Set(retrying)).toEqual(new Set(expected));
  });

  it('after a broken connection of an idempotent request where connection failures are retried at all', async () => {
    expect(await isRetried(terminated, { on: on('connect-failure') }, { method: 'PUT' })).toBe(true);
    expect(await isRetried(terminated, { on: on('retriable-4xx') }, { method: 'PUT' })).toBe(false);
  });
});

describe('the time of a retry that the server asks for', () => {
  const rateLimitedBackoff = {
    resetHeaders: [
      { name: 'retry-after', format: 'seconds' },
      { name: 'x-ratelimit-reset', format: 'unixTimestamp' },
    ],
    maxIntervalMs: 300_000,
  } as const;
  const retry = { on: on('retriable-status-codes'), statusCodes: [429], rateLimitedBackoff };

  async function waited(headers: Record<string, string>, setup: OneClusterSetup = {}): Promise<number | undefined> {
    const m = retryMesh(retry, setup);
    const times: number[] = [];
    m.answerWith((_, attempt) => {
      times.push(m.clock.now());
      return attempt === 1 ? new FakeReply(429, headers) : new FakeReply(200);
    });
    await m.send({}, 600_000);
    return times[1] === undefined ? undefined : times[1] - times[0]!;
  }

  it('is what Retry-After says, and up to half as much more', async () => {
    const waits = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => waited({ 'retry-after': '10' }, { seed })));
    for (const ms of waits) {
      expect(ms).toBeGreaterThanOrEqual(10_000);
      expect(ms).toBeLessThan(15_000);
    }
    expect(new Set(waits).size).toBe(6);
  });

  it('is a time of day where the policy says so and a wall clock is given', async () => {
    const headers = { 'x-ratelimit-reset': '1010' };
    const ms = await waited(headers, { wallClock: () => 1_000_500 });
    expect(ms).toBeGreaterThanOrEqual(10_000);
    expect(ms).toBeLessThan(15_000);
    expect(await waited(headers)).toBeLessThan(25);
    expect(await waited(headers, { wallClock: () => 2_000_000 })).toBeLessThan(25);
  });

  it.each([['300.5'], ['-1'], ['soon'], ['301'], ['0']])('is the usual back-off for Retry-After: %s', async (value) => {
    expect(await waited({ 'retry-after': value })).toBeLessThan(25);
  });

  it('is not waited for when the deadline comes first', async () => {
    const m = retryMesh(retry, { action: { timeoutMs: 5000 } });
    m.answerWith(() => new FakeReply(429, { 'retry-after': '10' }));
    expect((await m.send({}, 0)).httpStatus).toBe(429);
    expect(m.sent).toHaveLength(1);
  });
});

describe('only one tier retries', () => {
  const again = { on: on('5xx'), attempts: 2 };
  const attemptHeader = (flat: readonly string[]) => flat[flat.indexOf('x-envoy-attempt-count') + 1];

  it('so a retry says which attempt it is, and a first attempt does not', async () => {
    const m = retryMesh(again);
    m.answerWith(() => new FakeReply(503));
    await m.send();
    expect(m.headersSent[0]).not.toContain('x-envoy-attempt-count');
    expect(m.headersSent.slice(1).map(attemptHeader)).toEqual(['2', '3']);
  });

  it('so a call that is part of a retry is not retried, but what was never sent finds another endpoint', async () => {
    const m = retryMesh(again);
    const call = m.call();
    call.retriesElsewhere = true;
    m.answerWith((_, attempt) => (attempt === 1 ? refused() : new FakeReply(503)));
    expect((await m.send(call)).httpStatus).toBe(503);
    expect(m.sent).toHaveLength(2);
    expect(m.sent[0]).not.toBe(m.sent[1]);
    expect(call.retriesSpent).toBe(true);
  });

  it('so a reply that says it was retried is not retried', async () => {
    const m = retryMesh(again);
    const call = m.call();
    m.answerWith(() => new FakeReply(503, { 'x-inmesh-no-retry': '1' }));
    expect((await m.send(call)).httpStatus).toBe(503);
    expect(m.sent).toHaveLength(1);
    expect(call.retriesSpent).toBe(true);
  });

  it.each<[string, Partial<RetryPolicy>, OneClusterSetup, number[], boolean]>([
    ['failed after its retries', again, {}, [503, 503, 503], true],
    [
      'was refused a retry by the budget',
      again,
      { cluster: { retryBudget: { percent: 0, minConcurrency: 0 } } },
      [503],
      true,
    ],
    ['failed in a way that is not retried', again, {}, [404], false],
    ['was retried and did well', again, {}, [503, 200], false],
    ['was not to be retried at all', { attempts: 0 }, {}, [503], false],
  ])('so a call that %s says it: %s', async (_, retry, setup, statuses, expected) => {
    const m = retryMesh(retry, setup);
    const call = m.call();
    m.answerWith((_call, attempt) => new FakeReply(statuses[attempt - 1]!));
    await m.send(call);
    expect(m.sent).toHaveLength(statuses.length);
    expect(call.retriesSpent).toBe(expected);
  });

  it('so a failure tells whether a limit or another tier kept it from being tried again', async () => {
    const failOf = async (elsewhere: boolean) => {
      const m = retryMesh(
        { on: on('reset'), attempts: 1 },
        { cluster: { retryBudget: { percent: 0, minConcurrency: 0 } } },
      );
      m.answerWith(() => terminated());
      const call = m.call();
      call.retriesElsewhere = elsewhere;
      return m.send(call).then(
        () => undefined,
        (failure: MeshError) => failure.hint,
      );
    };
    expect(await failOf(false)).toMatch(/a retry was due, and what trafficPolicy.retryBudget .* allow was used up/);
    expect(await failOf(true)).toMatch(/a retry was due, and is left to the caller/);
  });

  it('so a route without retries passes on what it is told', async () => {
    const m = oneClusterMesh();
    const call = m.call();
    m.answerWith(() => new FakeReply(503, { 'x-inmesh-no-retry': '1' }));
    await m.send(call);
    expect(call.retriesSpent).toBe(true);
  });
});

describe('a deadline in the middle of a retry', () => {
  it('lets no attempt start after it, wherever it falls', async () => {
    for (let timeoutMs = 1; timeoutMs <= 80; timeoutMs += 1) {
      const backoff = { baseMs: 10, maxMs: 40 };
      const m = retryMesh({ on: on('5xx'), attempts: 10, backoff }, { action: { timeoutMs }, seed: timeoutMs });
      const times: number[] = [];
      m.answerWith(async () => {
        times.push(m.clock.now());
        await new Promise<void>((resolve) => void m.clock.setTimer(5, resolve));
        return new FakeReply(503);
      });
      const reply = await m.send({}, 1000).catch(() => undefined);
      reply?.finish();
      expect(Math.max(...times)).toBeLessThan(timeoutMs);
      expect(m.clock.pendingTimers).toBe(0);
      expect(m.state.breaker.retries).toBe(0);
    }
  });
});
