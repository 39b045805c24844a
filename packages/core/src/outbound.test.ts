import { describe, expect, it } from 'vitest';
import { SnapshotAssembler } from './assemble.js';
import type { Call } from './call.js';
import { MeshError } from './errors.js';
import type { CircuitBreakerThresholds, Cluster } from './model/cluster.js';
import type { MeshResources } from './model/resources.js';
import type { RetryCondition, RetryPolicy } from './model/route.js';
import { outbound } from './outbound.js';
import type { Service } from './service.js';
import type { CallEnd, CallRecorder, Telemetry } from './telemetry.js';
import { FakeReply, refused, terminated } from './testing/fake-reply.js';
import {
  FakeClock,
  seededRandom,
  testCall,
  testCluster,
  testEndpoint,
  testForward,
  testHash64,
  testRetryPolicy,
  testRoute,
  testRouteConfiguration,
  testThresholds,
} from './testing/index.js';

interface Setup {
  retry?: Partial<RetryPolicy>;
  timeoutMs?: number;
  endpoints?: number;
  cluster?: Partial<Cluster>;
  telemetry?: Telemetry[];
  seed?: number;
}

function mesh(setup: Setup = {}) {
  const clock = new FakeClock();
  const random = seededRandom(setup.seed ?? 1);
  const assembler = new SnapshotAssembler({
    clock,
    random,
    hash64: testHash64,
    searchDomains: ['default.svc.cluster.local'],
  });
  const snapshot = assembler.assemble(resources(setup));
  const sent: string[] = [];
  let answer: (call: Call, attempt: number) => FakeReply | MeshError | Promise<FakeReply> = () => new FakeReply(200);
  const transport: Service = async (call) => {
    sent.push(call.endpoint!.endpoint.address);
    const outcome = await answer(call, sent.length);
    if (outcome instanceof MeshError) throw outcome;
    return outcome;
  };
  const service = outbound(transport, { clock, random, telemetry: setup.telemetry ?? [] });
  return {
    clock,
    snapshot,
    sent,
    answerWith(next: typeof answer) {
      answer = next;
    },
    call: (init: Parameters<typeof testCall>[0] = {}) =>
      testCall({ authority: 'reviews', snapshot, startedAt: clock.now(), ...init }),
    service,
    state: snapshot.clusters.get('reviews')!.state,
    endpoints: snapshot.clusters.get('reviews')!.endpoints,
  };
}

function resources({ retry, timeoutMs = 0, endpoints = 3, cluster }: Setup): MeshResources {
  const name = 'reviews.default.svc.cluster.local:80';
  const action = testForward({ timeoutMs, retry: retry && testRetryPolicy(retry) });
  const assignment = {
    clusterName: 'reviews',
    localities: [
      {
        region: '',
        zone: '',
        subZone: '',
        priority: 0,
        weight: 1,
        endpoints: Array.from({ length: endpoints }, (_, i) => testEndpoint({ host: `10.0.0.${i + 1}` })),
      },
    ],
  };
  return {
    listeners: new Map([[name, { name, routes: name }]]),
    routes: new Map([[name, testRouteConfiguration([{ domains: ['*'], routes: [testRoute({ action })] }], name)]]),
    clusters: new Map([['reviews', testCluster(cluster)]]),
    assignments: new Map([['reviews', assignment]]),
  };
}

function thresholds(overrides: Partial<CircuitBreakerThresholds>): Cluster['circuitBreakers'] {
  const limits = { ...testThresholds, ...overrides };
  return { default: limits, high: limits };
}

async function settle<T>(clock: FakeClock, promise: Promise<T>, ms = 1000): Promise<T> {
  promise.catch(() => {});
  await clock.advanceAsync(ms);
  return promise;
}

describe('an outgoing call', () => {
  it('reaches an endpoint of the cluster its route names', async () => {
    const m = mesh();
    const reply = await m.service(m.call());
    expect(reply.httpStatus).toBe(200);
    expect(m.sent).toHaveLength(1);
  });

  it('counts its endpoint in flight until the body has ended', async () => {
    const m = mesh({ endpoints: 1 });
    const reply = (await m.service(m.call())) as FakeReply;
    expect(m.endpoints[0]!.state.inFlight).toBe(1);
    expect(m.state.breaker.requests).toBe(1);
    reply.finish();
    expect(m.endpoints[0]!.state.inFlight).toBe(0);
    expect(m.state.breaker.requests).toBe(0);
  });

  it.each(['transport', 'listener'])('counts down again when a %s throws at once instead of rejecting', async (who) => {
    const thrown = (): never => {
      throw new Error('boom');
    };
    const recorder: CallRecorder = { attemptStarted: who === 'listener' ? thrown : () => undefined, callEnded() {} };
    const m = mesh({ endpoints: 1, telemetry: [{ callStarted: () => recorder }] });
    const transport: Service = who === 'transport' ? thrown : () => Promise.resolve(new FakeReply(200));
    const service = outbound(transport, {
      clock: m.clock,
      random: seededRandom(1),
      telemetry: [{ callStarted: () => recorder }],
    });
    await expect(service(m.call())).rejects.toMatchObject({ reason: 'internal' });
    expect(m.endpoints[0]!.state.inFlight).toBe(0);
    expect(m.state.breaker.requests).toBe(0);
  });

  it('fails with no_route and what is known when the host has no listener', async () => {
    const m = mesh();
    const failure = await m.service(m.call({ authority: 'reviews:81' })).catch((error) => error);
    expect(failure.reason).toBe('no_route');
    expect(failure.hint).toContain('reviews.default.svc.cluster.local:80');
  });

  it('says that DNS gave nothing where the endpoints are to come from there', async () => {
    const hosts = [{ hostname: 'nobody.example.com', port: 80 }];
    const m = mesh({ endpoints: 0, cluster: { discovery: { kind: 'dns', hosts, logical: false } } });
    await expect(m.service(m.call())).rejects.toMatchObject({ message: 'DNS gave no address for nobody.example.com' });
  });

  it('fails with no_healthy_upstream when the cluster has no endpoints', async () => {
    const m = mesh({ endpoints: 0 });
    await expect(m.service(m.call())).rejects.toMatchObject({
      reason: 'no_healthy_upstream',
      cluster: 'reviews',
      httpStatus: 503,
    });
  });
});

describe('retries', () => {
  it('go to another endpoint after a refused connection', async () => {
    const m = mesh({ retry: {} });
    m.answerWith((_, attempt) => (attempt < 3 ? refused() : new FakeReply(200)));
    const reply = await settle(m.clock, m.service(m.call({ method: 'POST' })));
    expect(reply.httpStatus).toBe(200);
    expect(new Set(m.sent).size).toBe(3);
  });

  it('reach the one endpoint that was not tried, however the draws fall', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const m = mesh({ retry: { attempts: 1 }, endpoints: 2, seed });
      const dead = m.endpoints[0]!.endpoint.address;
      m.answerWith((call) => (call.endpoint!.endpoint.address === dead ? refused() : new FakeReply(200)));
      expect((await settle(m.clock, m.service(m.call()))).httpStatus).toBe(200);
    }
  });

  it('stop after the policy’s attempts, and the error tells attempts, endpoint and URX', async () => {
    const m = mesh({ retry: { attempts: 2 } });
    m.answerWith(() => refused());
    const failure = await settle(m.clock, m.service(m.call())).catch((error) => error);
    expect(failure).toMatchObject({
      reason: 'upstream_connection_failure',
      attempts: 3,
      flag: 'UF,URX',
      cluster: 'reviews',
    });
    expect(m.sent).toHaveLength(3);
  });

  it('never repeat a POST that may have been acted on', async () => {
    const m = mesh({ retry: {} });
    m.answerWith(() => terminated());
    await expect(settle(m.clock, m.service(m.call({ method: 'POST' })))).rejects.toMatchObject({
      reason: 'upstream_connection_termination',
      maybeSent: true,
      attempts: 1,
    });
    expect(m.sent).toHaveLength(1);
  });

  it('repeat a POST that may have been acted on when the route says so', async () => {
    const m = mesh({ retry: { on: new Set<RetryCondition>(['reset']) } });
    m.answerWith((_, attempt) => (attempt === 1 ? terminated() : new FakeReply(200)));
    expect((await settle(m.clock, m.service(m.call({ method: 'POST' })))).httpStatus).toBe(200);
  });

  it('repeat a GET whose connection broke (RFC 9110 9.2.2)', async () => {
    const m = mesh({ retry: {} });
    m.answerWith((_, attempt) => (attempt === 1 ? terminated() : new FakeReply(200)));
    expect((await settle(m.clock, m.service(m.call({ method: 'GET' })))).httpStatus).toBe(200);
  });

  it('never repeat a body that cannot be replayed', async () => {
    const m = mesh({ retry: {} });
    m.answerWith(() => refused());
    await expect(settle(m.clock, m.service(m.call({ replayable: false })))).rejects.toMatchObject({ attempts: 1 });
  });

  it('leave a 503 alone under the default conditions and repeat it under 5xx', async () => {
    const plain = mesh({ retry: {} });
    plain.answerWith(() => new FakeReply(503));
    expect((await settle(plain.clock, plain.service(plain.call()))).httpStatus).toBe(503);
    expect(plain.sent).toHaveLength(1);
    const asked = mesh({ retry: { on: new Set<RetryCondition>(['5xx']) } });
    const replies: FakeReply[] = [];
    asked.answerWith((_, attempt) => {
      replies.push(new FakeReply(attempt === 1 ? 503 : 200));
      return replies.at(-1)!;
    });
    expect((await settle(asked.clock, asked.service(asked.call()))).httpStatus).toBe(200);
    expect(replies[0]!.discarded).toBe(true);
  });

  it('give the last reply to the caller when they are used up', async () => {
    const m = mesh({ retry: { on: new Set<RetryCondition>(['5xx']), attempts: 1 } });
    m.answerWith(() => new FakeReply(503));
    const reply = (await settle(m.clock, m.service(m.call()))) as FakeReply;
    expect(reply.httpStatus).toBe(503);
    expect(reply.discarded).toBe(false);
    expect(m.sent).toHaveLength(2);
  });

  it('wait a jittered back-off that lies within Envoy’s bounds', async () => {
    const m = mesh({ retry: { attempts: 1 } });
    const times: number[] = [];
    m.answerWith((_, attempt) => {
      times.push(m.clock.now());
      return attempt === 1 ? refused() : new FakeReply(200);
    });
    await settle(m.clock, m.service(m.call()));
    expect(times[1]! - times[0]!).toBeGreaterThan(0);
    expect(times[1]! - times[0]!).toBeLessThan(25);
  });

  it('stay within the cluster’s retry budget when requests may have been acted on', async () => {
    const m = mesh({
      retry: { on: new Set<RetryCondition>(['5xx']), attempts: 1 },
      cluster: { retryBudget: { percent: 20, minConcurrency: 1 } },
    });
    const held: ((reply: FakeReply) => void)[] = [];
    m.answerWith((call) => (call.attempt === 1 ? new FakeReply(503) : new Promise((resolve) => held.push(resolve))));
    const calls = [m.service(m.call()), m.service(m.call()), m.service(m.call())];
    await m.clock.advanceAsync(1000);
    expect(held).toHaveLength(1);
    for (const release of held) release(new FakeReply(200));
    const statuses = (await Promise.all(calls)).map((reply) => reply.httpStatus);
    expect(statuses.sort()).toEqual([200, 503, 503]);
  });

  it('are counted against the breaker of retries', async () => {
    const m = mesh({
      retry: { attempts: 1 },
      cluster: { circuitBreakers: thresholds({ maxRetries: 0 }) },
    });
    m.answerWith(() => refused());
    await expect(settle(m.clock, m.service(m.call()))).rejects.toMatchObject({ attempts: 1 });
    expect(m.state.breaker.overflows.retries).toBe(1);
  });
});

describe('deadlines', () => {
  it('end a call at the route’s timeout, whatever attempt it is in', async () => {
    const m = mesh({ timeoutMs: 100 });
    m.answerWith((call) => new Promise((_, reject) => (call.interrupt = reject)));
    await expect(settle(m.clock, m.service(m.call()), 100)).rejects.toMatchObject({
      reason: 'upstream_request_timeout',
      httpStatus: 504,
    });
  });

  it('take the caller’s deadline when it comes first', async () => {
    const m = mesh({ timeoutMs: 100 });
    m.answerWith((call) => new Promise((_, reject) => (call.interrupt = reject)));
    const call = m.call();
    call.deadline = m.clock.now() + 50;
    await expect(settle(m.clock, m.service(call), 50)).rejects.toMatchObject({ reason: 'deadline_exceeded' });
  });

  it('refuse a call whose time is over before anything is sent', async () => {
    const m = mesh();
    const call = m.call();
    call.deadline = m.clock.now();
    await expect(m.service(call)).rejects.toMatchObject({ reason: 'deadline_exceeded' });
    expect(m.sent).toHaveLength(0);
  });

  it('let no attempt start after them', async () => {
    const m = mesh({ timeoutMs: 1, retry: { attempts: 5, backoff: { baseMs: 1000, maxMs: 1000 } } });
    m.answerWith(() => refused());
    await settle(m.clock, m.service(m.call())).catch(() => {});
    expect(m.sent).toHaveLength(1);
    expect(m.clock.pendingTimers).toBe(0);
  });

  it('give each try its own time, and the next try another endpoint', async () => {
    const m = mesh({ retry: { perTryTimeoutMs: 10, attempts: 1 } });
    m.answerWith((call, attempt) =>
      attempt === 1 ? new Promise((_, reject) => (call.interrupt = reject)) : new FakeReply(200),
    );
    expect((await settle(m.clock, m.service(m.call()))).httpStatus).toBe(200);
    expect(m.sent[0]).not.toBe(m.sent[1]);
  });

  it('leave no timer behind when the call is over', async () => {
    const m = mesh({ timeoutMs: 100, retry: { perTryTimeoutMs: 10 } });
    const reply = (await m.service(m.call())) as FakeReply;
    reply.finish();
    expect(m.clock.pendingTimers).toBe(0);
  });

  it('cancel a back-off when the caller goes away', async () => {
    const m = mesh({ retry: { attempts: 3, backoff: { baseMs: 1000, maxMs: 1000 } } });
    m.answerWith(() => refused());
    const call = m.call();
    const pending = m.service(call);
    await m.clock.advanceAsync(0);
    call.cancel(new MeshError('caller_cancelled'));
    await expect(pending).rejects.toMatchObject({ reason: 'caller_cancelled' });
    expect(m.clock.pendingTimers).toBe(0);
    expect(m.state.breaker.retries).toBe(0);
  });
});

describe('circuit breakers', () => {
  it('refuse the request above the limit at once, with UO', async () => {
    const m = mesh({
      cluster: { circuitBreakers: thresholds({ maxRequests: 1 }) },
    });
    const first = (await m.service(m.call())) as FakeReply;
    await expect(m.service(m.call())).rejects.toMatchObject({
      reason: 'upstream_overflow',
      flag: 'UO',
      httpStatus: 503,
    });
    first.finish();
    expect((await m.service(m.call())).httpStatus).toBe(200);
  });
});

describe('telemetry', () => {
  it('hears of one call and each of its attempts, once, at the end of the body', async () => {
    const heard: string[] = [];
    const end =
      (what: string) =>
      (_: Call, { httpStatus, error }: CallEnd) =>
        heard.push(`${what} ${httpStatus} ${error?.reason ?? 'ok'}`);
    const telemetry: Telemetry = {
      callStarted: () => ({
        attemptStarted: (call) => {
          heard.push(`attempt ${call.attempt} at ${call.endpoint !== undefined}`);
          return { attemptEnded: end('attempt ended') };
        },
        callEnded: end('call ended'),
      }),
    };
    const m = mesh({ retry: {}, telemetry: [telemetry] });
    m.answerWith((_, attempt) => (attempt === 1 ? refused() : new FakeReply(200)));
    const reply = (await settle(m.clock, m.service(m.call()))) as FakeReply;
    expect(heard).toEqual(['attempt 1 at true', 'attempt ended 503 upstream_connection_failure', 'attempt 2 at true']);
    reply.finish();
    expect(heard.slice(3)).toEqual(['attempt ended 200 ok', 'call ended 200 ok']);
  });
});
