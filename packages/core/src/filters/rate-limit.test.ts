import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.js';
import type { Route } from '../model/route.js';
import { RateLimiter } from '../policy/rate-limiter.js';
import { RouteTable } from '../router/route-table.js';
import type { Service } from '../service.js';
import { MeshSnapshot } from '../snapshot.js';
import { FakeReply } from '../testing/fake-reply.js';
import { FakeClock, testCall, testRateLimit, testRoute, testRouteConfiguration } from '../testing/index.js';
import { inboundRateLimitFilter, rateLimitFilter } from './rate-limit.js';

const clock = new FakeClock();
const once = { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 5000 };

function limiterOf(): RateLimiter {
  return new RateLimiter({ clock, random: () => 0 });
}

const upstream: Service = async () => new FakeReply(200);

function snapshotOf(routes: readonly Route[], listener: { passthrough?: boolean } = {}): MeshSnapshot {
  const configuration = testRouteConfiguration([{ domains: ['*'], routes }], 'reviews');
  return new MeshSnapshot({
    generation: 1,
    listeners: new Map([['reviews:9080', { name: 'reviews:9080', routes: 'reviews', ...listener }]]),
    routeTables: new Map([['reviews', new RouteTable(configuration)]]),
    clusters: new Map(),
    searchDomains: [],
  });
}

describe('An outgoing call above the limit of its route', () => {
  it('is answered 429, as Envoy answers', async () => {
    const service = rateLimitFilter(limiterOf())(upstream);
    const route = testRoute({ rateLimits: [testRateLimit({ side: 'outbound', bucket: once })] });
    const callOf = () => Object.assign(testCall(), { route });
    expect((await service(callOf())).httpStatus).toBe(200);
    const refusal = await service(callOf());
    expect(refusal).toMatchObject({ httpStatus: 429, grpcStatus: 8, flags: 'RL' });
    expect(refusal.header('x-envoy-ratelimited')).toBe('true');
    expect(refusal.header('x-inmesh-reason')).toBe('rate_limited');
    expect(refusal.header('content-type')).toBe('text/plain');
  });

  it('is answered with the status and the headers of the limit', async () => {
    const service = rateLimitFilter(limiterOf())(upstream);
    const limit = testRateLimit({
      side: 'outbound',
      bucket: { ...once, maxTokens: 0 },
      httpStatus: 503,
      grpcStatus: 14,
      responseHeaders: ['x-limit', 'all'],
    });
    const refusal = await service(Object.assign(testCall(), { route: testRoute({ rateLimits: [limit] }) }));
    expect(refusal).toMatchObject({ httpStatus: 503, grpcStatus: 14 });
    expect(refusal.header('x-limit')).toBe('all');
  });

  it('fails with the reason of its end when that comes while a store is asked', async () => {
    let answer!: (token: boolean) => void;
    const take = () => new Promise<boolean>((resolve) => (answer = resolve));
    const limiter = new RateLimiter({ clock, random: () => 0, shared: () => ({ take }) });
    const service = rateLimitFilter(limiter)(upstream);
    const limit = testRateLimit({ side: 'outbound', scope: 'mesh', bucket: once });
    const call = Object.assign(testCall(), { route: testRoute({ rateLimits: [limit] }) });
    const reply = service(call);
    call.cancel(new MeshError('deadline_exceeded', { message: 'too late' }));
    answer(true);
    await expect(reply).rejects.toMatchObject({ reason: 'deadline_exceeded' });
  });
});

describe('An incoming call', () => {
  const limited = testRoute({ rateLimits: [testRateLimit({ bucket: once })] });

  async function statuses(snapshot: MeshSnapshot, authority: string, ownHost = ''): Promise<number[]> {
    const service = inboundRateLimitFilter(limiterOf(), () => 0, ownHost)(upstream);
    const replies = [
      await service(testCall({ authority, snapshot })),
      await service(testCall({ authority, snapshot })),
    ];
    return replies.map((reply) => reply.httpStatus);
  }

  it('is counted against the limits of the route that it came by', async () => {
    expect(await statuses(snapshotOf([limited]), 'reviews:9080')).toEqual([200, 429]);
  });

  it('by an address is counted as one to the own host', async () => {
    expect(await statuses(snapshotOf([limited]), '10.0.0.1:9080', 'reviews:9080')).toEqual([200, 429]);
    expect(await statuses(snapshotOf([limited]), '10.0.0.1:9080')).toEqual([200, 200]);
  });

  it('to a host that DNS alone knows is counted as one to the own host, too', async () => {
    const snapshot = snapshotOf([limited], { passthrough: true });
    expect(await statuses(snapshot, 'reviews:9080')).toEqual([200, 200]);
  });

  it('on another route is not counted', async () => {
    const elsewhere = testRoute({
      match: { path: { kind: 'exact', value: '/login', ignoreCase: false } },
      rateLimits: limited.rateLimits,
    });
    expect(await statuses(snapshotOf([elsewhere, testRoute()]), 'reviews:9080')).toEqual([200, 200]);
  });

  it('is looked up by nobody while no route has an inbound limit', async () => {
    const outboundOnly = testRoute({ rateLimits: [testRateLimit({ side: 'outbound', bucket: once })] });
    const snapshot = snapshotOf([outboundOnly]);
    snapshot.resolve = () => {
      throw new Error('was looked up');
    };
    expect(snapshot.hasInboundLimits).toBe(false);
    expect(await statuses(snapshot, 'reviews:9080')).toEqual([200, 200]);
  });
});
