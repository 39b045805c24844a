import { describe, expect, it } from 'vitest';
import type { Call } from '../call.js';
import { MeshError } from '../errors.js';
import type { FaultPolicy, WeightedTarget } from '../model/route.js';
import type { Reply, Service } from '../service.js';
import { stack } from '../stack.js';
import type { CallEnd } from '../telemetry.js';
import { FakeReply } from '../testing/fake-reply.js';
import { FakeClock, seededRandom, testCall, testCluster, testForward, testRoute } from '../testing/index.js';
import { deadlineFilter } from './deadline.js';
import { faultFilter } from './fault.js';
import { telemetryFilter } from './telemetry.js';

const all = 1_000_000;

const fault = (overrides: Partial<FaultPolicy>): FaultPolicy => ({
  delay: undefined,
  abort: undefined,
  headers: [],
  maxActive: Number.POSITIVE_INFINITY,
  ...overrides,
});

const abort = (perMillion: number, httpStatus = 500) => ({ httpStatus, grpcStatus: undefined, perMillion });

interface Setup {
  route?: FaultPolicy;
  target?: FaultPolicy;
  random?: () => number;
  missingCluster?: boolean;
}

function mesh({ route, target, random = seededRandom(1), missingCluster = false }: Setup) {
  const clock = new FakeClock();
  const sentAt: number[] = [];
  const upstream: Service = async () => {
    sentAt.push(clock.now());
    return new FakeReply(200);
  };
  const service = faultFilter(clock, random)(upstream);
  const call = (headers: Record<string, string> = {}): Call => {
    const one = testCall({ headers });
    one.route = testRoute({ fault: route });
    one.action = testForward();
    const weighted: WeightedTarget = { cluster: 'reviews', weight: 1, fault: target };
    one.target = weighted;
    one.cluster = missingCluster ? undefined : clusterView();
    return one;
  };
  return { clock, sentAt, call, send: (one = call()) => quiet(service(one)) };
}

/** The filter only asks whether there is one. */
function clusterView(): NonNullable<Call['cluster']> {
  return { cluster: testCluster(), endpoints: [] } as unknown as NonNullable<Call['cluster']>;
}

function quiet(promise: Promise<Reply>): Promise<Reply> {
  promise.catch(() => {});
  return promise;
}

describe('an abort', () => {
  it('answers in the place of the upstream, and says that it was injected', async () => {
    const m = mesh({ route: fault({ abort: abort(all, 418) }) });
    const reply = await m.send();
    expect(reply).toMatchObject({ httpStatus: 418, flags: 'FI' });
    expect(reply.header('x-inmesh-reason')).toBe('fault_injected');
    expect(reply.header('content-type')).toBe('text/plain');
    expect(m.sentAt).toEqual([]);
  });

  it.each([1, 30, 200, 9_999])('of %i in 10,000 hits just as many of 10,000 even draws', async (share) => {
    let drawn = 0;
    const m = mesh({ route: fault({ abort: abort(share * 100) }), random: () => drawn++ / 10_000 });
    let aborted = 0;
    for (let i = 0; i < 10_000; i += 1) if ((await m.send()).httpStatus === 500) aborted += 1;
    expect({ aborted, drawn }).toEqual({ aborted: share, drawn: 10_000 });
  });

  it.each([
    [199_999 / all, 500],
    [200_000 / all, 200],
  ])('of a fifth, with a draw of %d, answers %i', async (draw, status) => {
    const m = mesh({ route: fault({ abort: abort(200_000) }), random: () => draw });
    expect((await m.send()).httpStatus).toBe(status);
  });

  it('of all or none draws no random number', async () => {
    const random = () => expect.unreachable('no number is needed');
    expect((await mesh({ route: fault({ abort: abort(all) }), random }).send()).httpStatus).toBe(500);
    expect((await mesh({ route: fault({ abort: abort(0) }), random }).send()).httpStatus).toBe(200);
    expect((await mesh({ random }).send()).httpStatus).toBe(200);
  });

  it('of the target is taken instead of the route’s', async () => {
    const m = mesh({ route: fault({ abort: abort(all, 400) }), target: fault({ abort: abort(all, 500) }) });
    expect((await m.send()).httpStatus).toBe(500);
  });

  it('needs no cluster, and a call that it spares does', async () => {
    const target = fault({ abort: abort(500_000) });
    const hit = mesh({ target, random: () => 0.4, missingCluster: true });
    expect((await hit.send()).httpStatus).toBe(500);
    const spared = mesh({ target, random: () => 0.6, missingCluster: true });
    await expect(spared.send()).rejects.toMatchObject({ reason: 'no_cluster', cluster: 'reviews' });
  });

  it('changes its response headers as the route says', async () => {
    const m = mesh({ route: fault({ abort: abort(all) }) });
    const call = m.call();
    const value = [{ kind: 'responseFlags' }] as const;
    const write = [{ name: 'x-flags', value, action: 'overwrite', keepEmpty: false }] as const;
    call.route = { ...call.route!, responseHeaders: [{ remove: ['x-inmesh-reason'], write }] };
    const reply = await m.send(call);
    expect(reply.header('x-flags')).toBe('FI');
    expect(reply.header('x-inmesh-reason')).toBeUndefined();
  });
});

describe('a delay', () => {
  const delayed = (fixedMs: number, rest: Partial<FaultPolicy> = {}) =>
    fault({ delay: { fixedMs, perMillion: all }, ...rest });

  it('comes before the call goes on', async () => {
    const m = mesh({ route: delayed(5000) });
    const reply = m.send();
    await m.clock.advanceAsync(5000);
    expect((await reply).httpStatus).toBe(200);
    expect(m.sentAt).toEqual([5000]);
  });

  it('comes before an abort, which then tells of both', async () => {
    const m = mesh({ route: delayed(50, { abort: abort(all, 503) }) });
    const reply = m.send();
    await m.clock.advanceAsync(49);
    let settled = false;
    reply.then(() => {
      settled = true;
    });
    await m.clock.advanceAsync(0);
    expect(settled).toBe(false);
    await m.clock.advanceAsync(1);
    expect(await reply).toMatchObject({ httpStatus: 503, flags: 'DI,FI' });
  });

  it('ends with the caller’s deadline', async () => {
    const m = mesh({ route: delayed(5000) });
    const call = m.call();
    call.deadline = 100;
    const reply = m.send(call);
    await m.clock.advanceAsync(100);
    await expect(reply).rejects.toMatchObject({ reason: 'deadline_exceeded', maybeSent: false });
    expect(m.sentAt).toEqual([]);
  });

  it('ends with the caller, and leaves no timer', async () => {
    const m = mesh({ route: delayed(5000) });
    const call = m.call();
    const reply = m.send(call);
    await m.clock.advanceAsync(1);
    call.cancel(new MeshError('caller_cancelled'));
    await expect(reply).rejects.toMatchObject({ reason: 'caller_cancelled' });
    expect(m.clock.pendingTimers).toBe(0);
    await expect(m.send(call)).rejects.toMatchObject({ reason: 'caller_cancelled' });
  });
});

describe('a delay above the route’s timeout', () => {
  it('is not counted: 5 s of delay and 2 s of timeout fail after 7 s', async () => {
    const clock = new FakeClock();
    const upstream: Service = (call) =>
      new Promise((_, reject) => {
        call.interrupt = reject;
      });
    const service = stack([faultFilter(clock, seededRandom(1)), deadlineFilter(clock)], upstream);
    const call = testCall();
    call.route = testRoute({ fault: fault({ delay: { fixedMs: 5000, perMillion: all } }) });
    call.action = testForward({ timeoutMs: 2000 });
    call.target = { cluster: 'reviews', weight: 1 };
    call.cluster = clusterView();
    let failedAt: number | undefined;
    const failed = quiet(service(call)).catch((error) => {
      failedAt = clock.now();
      return error;
    });
    await clock.advanceAsync(10_000);
    expect(failedAt).toBe(7000);
    expect(await failed).toMatchObject({ reason: 'upstream_request_timeout', httpStatus: 504 });
  });
});

describe('a fault', () => {
  it('meets only requests with its headers', async () => {
    const matcher = { kind: 'exact', value: 'foo', ignoreCase: false } as const;
    const condition = { invert: false, treatMissingAsEmpty: false, test: { kind: 'string', matcher } } as const;
    const m = mesh({ route: fault({ abort: abort(all), headers: [{ name: 'end-user', ...condition }] }) });
    expect((await m.send(m.call({ 'end-user': 'foo' }))).httpStatus).toBe(500);
    expect((await m.send(m.call({ 'end-user': 'bar' }))).httpStatus).toBe(200);
    expect((await m.send()).httpStatus).toBe(200);
  });

  it('is told to telemetry by its flag', async () => {
    const ends: CallEnd[] = [];
    const telemetry = { callStarted: () => ({ callEnded: (_: Call, end: CallEnd) => void ends.push(end) }) };
    const clock = new FakeClock();
    const { call } = mesh({ route: fault({ abort: abort(all) }) });
    const filters = [telemetryFilter([telemetry], clock, 'client'), faultFilter(clock, seededRandom(1))];
    (await stack(filters, async () => new FakeReply(200))(call())).deliver();
    expect(ends).toMatchObject([{ httpStatus: 500, flags: 'FI', error: undefined }]);
  });

  it('spares calls above the limit until one that was met has ended', async () => {
    const m = mesh({ route: fault({ abort: abort(all), maxActive: 1 }) });
    const first = await m.send();
    expect(first.httpStatus).toBe(500);
    expect((await m.send()).httpStatus).toBe(200);
    first.deliver();
    expect((await m.send()).httpStatus).toBe(500);
  });

  it('counts a delayed call from its delay to the end of its body, however it ends', async () => {
    const m = mesh({ route: fault({ delay: { fixedMs: 10, perMillion: all }, maxActive: 1 }) });
    const delayed = m.send();
    await m.send();
    expect(m.sentAt).toEqual([0]);
    await m.clock.advanceAsync(10);
    const reply = (await delayed) as FakeReply;
    await m.send();
    expect(m.sentAt).toEqual([0, 10, 10]);
    reply.finish();
    const cancelled = m.call();
    const second = m.send(cancelled);
    cancelled.cancel(new MeshError('caller_cancelled'));
    await expect(second).rejects.toThrow();
    m.send();
    await m.clock.advanceAsync(0);
    expect(m.sentAt).toHaveLength(3);
  });
});
