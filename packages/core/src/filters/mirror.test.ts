import { describe, expect, it } from 'vitest';
import { SnapshotAssembler } from '../assemble.js';
import type { Call } from '../call.js';
import type { ForwardAction, MirrorPolicy } from '../model/route.js';
import { outbound } from '../outbound.js';
import type { Reply, Service } from '../service.js';
import { FakeReply, refused } from '../testing/fake-reply.js';
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
} from '../testing/index.js';
import { withShadowSuffix } from './mirror.js';

const all: MirrorPolicy = { cluster: 'shadows', perMillion: 1_000_000, shadowSuffix: true };

function mesh(action: Partial<Omit<ForwardAction, 'kind' | 'totalWeight'>>, maxShadows = 1024) {
  const clock = new FakeClock();
  const random = seededRandom(11);
  const assembler = new SnapshotAssembler({ clock, random, hash64: testHash64, searchDomains: [] });
  const endpoints = [testEndpoint()];
  const localities = [{ region: '', zone: '', subZone: '', priority: 0, weight: 1, endpoints }];
  const limited = { ...testThresholds, maxRequests: maxShadows };
  const shadows = testCluster({ name: 'shadows', circuitBreakers: { default: limited, high: limited } });
  const snapshot = assembler.assemble({
    listeners: new Map([['reviews:80', { name: 'reviews:80', routes: 'r' }]]),
    routes: new Map([
      ['r', testRouteConfiguration([{ domains: ['*'], routes: [testRoute({ action: testForward(action) })] }], 'r')],
    ]),
    clusters: new Map([
      ['reviews', testCluster()],
      ['shadows', shadows],
    ]),
    assignments: new Map(['reviews', 'shadows'].map((name) => [name, { clusterName: name, localities }])),
  });
  const sent: { reviews: Call[]; shadows: Call[] } = { reviews: [], shadows: [] };
  let answer: (call: Call) => Promise<Reply> = async () => new FakeReply(200);
  const transport: Service = (call) => {
    sent[call.cluster!.state.name as 'reviews' | 'shadows'].push(call);
    return answer(call);
  };
  const service = outbound(transport, { clock, random, telemetry: [] });
  return {
    clock,
    sent,
    answerWith(next: typeof answer) {
      answer = next;
    },
    call: (init: Parameters<typeof testCall>[0] = {}) => testCall({ authority: 'reviews', snapshot, ...init }),
    service,
    shadows: snapshot.clusters.get('shadows')!,
  };
}

const isShadow = (call: Call) => call.cluster?.cluster.name === 'shadows';

describe('mirroring', () => {
  it('sends a copy, under the name of a shadow, to the mirror’s cluster', async () => {
    const m = mesh({ mirrors: [all] });
    const call = m.call({ method: 'PUT', path: '/p?q=1', headers: { host: 'Reviews:80', 'x-a': ['1', '2'] } });
    await m.service(call);
    expect(m.sent.reviews).toEqual([call]);
    const [copy] = m.sent.shadows;
    expect(copy).toMatchObject({ method: 'PUT', path: '/p?q=1', attempt: 1 });
    expect(copy!.headers.flat).toEqual(['host', 'Reviews-shadow:80', 'x-a', '1', 'x-a', '2']);
    expect(call.headers.get('host')).toBe('Reviews:80');
  });

  it('leaves the host as it is where the suffix is not wanted', async () => {
    const m = mesh({ mirrors: [{ ...all, shadowSuffix: false }] });
    await m.service(m.call({ headers: { host: 'reviews' } }));
    expect(m.sent.shadows[0]!.headers.get('host')).toBe('reviews');
  });

  it('copies the share of the calls that the policy says, each mirror by itself', async () => {
    const m = mesh({ mirrors: [{ ...all, perMillion: 250_000 }, { ...all, perMillion: 0 }, all] });
    for (let i = 0; i < 2000; i += 1) (await m.service(m.call())).discard();
    const drawn = m.sent.shadows.length - 2000;
    expect(drawn).toBeGreaterThan(500 - 80);
    expect(drawn).toBeLessThan(500 + 80);
  });

  it('draws nothing for a mirror of all calls or of none', async () => {
    const drawn = async (mirrors: MirrorPolicy[]) => {
      const m = mesh({ mirrors, targets: [1, 1].map((weight) => ({ cluster: 'reviews', weight })) });
      const calls = Array.from({ length: 50 }, () => m.call());
      for (const call of calls) await m.service(call);
      return calls.map((call) => call.action!.targets.indexOf(call.target!));
    };
    expect(
      await drawn([
        { ...all, cluster: 'nowhere' },
        { ...all, perMillion: 0 },
      ]),
    ).toEqual(await drawn([]));
  });

  it('drops the response of a copy, and its place in the cluster with it', async () => {
    const m = mesh({ mirrors: [all] });
    const replies: FakeReply[] = [];
    m.answerWith(async (call) => {
      const reply = new FakeReply(200);
      if (isShadow(call)) replies.push(reply);
      return reply;
    });
    await m.service(m.call());
    await m.clock.advanceAsync(0);
    expect(replies[0]).toMatchObject({ discarded: true, delivered: false });
    expect(m.shadows.state.breaker.requests).toBe(0);
  });

  it('keeps failures of a copy from the caller', async () => {
    const m = mesh({ mirrors: [all] });
    m.answerWith(async (call) => {
      if (isShadow(call)) throw refused();
      return new FakeReply(200);
    });
    expect((await m.service(m.call())).httpStatus).toBe(200);
    await m.clock.advanceAsync(0);
  });

  it('mirrors a call once, however often it is tried, and never tries a copy again', async () => {
    const retry = testRetryPolicy({ attempts: 2 });
    const m = mesh({ mirrors: [all], retry });
    m.answerWith(() => Promise.reject(refused()));
    const outcome = m.service(m.call());
    outcome.catch(() => {});
    await m.clock.advanceAsync(1000);
    await expect(outcome).rejects.toMatchObject({ attempts: 3 });
    expect(m.sent.reviews).toHaveLength(3);
    expect(m.sent.shadows).toHaveLength(1);
  });

  it('does not wait for a copy, and holds it to the limits of its own cluster', async () => {
    const m = mesh({ mirrors: [all] }, 1);
    m.answerWith((call) => (isShadow(call) ? new Promise(() => {}) : Promise.resolve(new FakeReply(200))));
    for (let i = 0; i < 3; i += 1) expect((await m.service(m.call())).httpStatus).toBe(200);
    expect(m.sent.shadows).toHaveLength(1);
    expect(m.shadows.state.breaker.overflows.requests).toBe(2);
  });

  it('ends a copy at the deadline of its call, and not when the caller goes away', async () => {
    const m = mesh({ mirrors: [all], timeoutMs: 50 });
    m.answerWith((call) => {
      if (!isShadow(call)) return Promise.resolve(new FakeReply(200));
      return new Promise((_, reject) => {
        call.interrupt = reject;
      });
    });
    const call = m.call();
    (await m.service(call)).discard();
    call.cancel(refused());
    const copy = m.sent.shadows[0]!;
    m.clock.advance(49);
    expect(copy.cancelled).toBeUndefined();
    m.clock.advance(1);
    expect(copy.cancelled).toMatchObject({ reason: 'upstream_request_timeout' });
    await m.clock.advanceAsync(0);
    expect(m.clock.pendingTimers).toBe(0);
    expect(m.shadows.state.breaker.requests).toBe(0);
  });

  it('ends a copy of a call that has all the time in the world after 15 s', async () => {
    const m = mesh({ mirrors: [all] });
    m.answerWith((call) => {
      if (!isShadow(call)) return Promise.resolve(new FakeReply(200));
      return new Promise((_, reject) => {
        call.interrupt = reject;
      });
    });
    (await m.service(m.call())).discard();
    await m.clock.advanceAsync(14_999);
    expect(m.shadows.state.breaker.requests).toBe(1);
    await m.clock.advanceAsync(1);
    expect(m.shadows.state.breaker.requests).toBe(0);
    expect(m.clock.pendingTimers).toBe(0);
  });

  it('copies no call that was cancelled before', async () => {
    const m = mesh({ mirrors: [all] });
    const call = m.call();
    call.cancel(refused());
    await m.service(call);
    expect(m.sent.shadows).toHaveLength(0);
  });

  it('leaves out a mirror whose cluster is not configured', async () => {
    const m = mesh({ mirrors: [{ ...all, cluster: 'nowhere' }] });
    expect((await m.service(m.call())).httpStatus).toBe(200);
    expect(m.sent.shadows).toHaveLength(0);
  });
});

describe('the host of a copy', () => {
  it.each([
    ['host', 'host-shadow'],
    ['host:8080', 'host-shadow:8080'],
    ['[::1]', '[::1]-shadow'],
    ['[::1]:80', '[::1]-shadow:80'],
  ])('%s becomes %s', (host, shadow) => {
    expect(withShadowSuffix(host)).toBe(shadow);
  });
});
