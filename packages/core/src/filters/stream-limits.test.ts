import { describe, expect, it } from 'vitest';
import type { Call } from '../call.js';
import type { MeshError } from '../errors.js';
import type { ForwardAction } from '../model/route.js';
import type { Filter, Reply, Service } from '../service.js';
import { stack } from '../stack.js';
import { FakeReply } from '../testing/fake-reply.js';
import { FakeClock, testCall, testForward, testRetryPolicy } from '../testing/index.js';
import { deadlineFilter } from './deadline.js';
import { idleTimeoutFilter } from './idle-timeout.js';
import { inboundDeadlineFilter } from './inbound-deadline.js';
import { perTryTimeoutFilter } from './per-try-timeout.js';

function setup(
  filter: (clock: FakeClock) => Filter,
  action: Partial<Omit<ForwardAction, 'kind' | 'totalWeight'>> = {},
) {
  const clock = new FakeClock();
  const call = testCall();
  call.action = testForward(action);
  call.attempt = 1;
  const started: Call[] = [];
  const answer = deferred<Reply>();
  const interrupts: MeshError[] = [];
  const transport: Service = (sent) => {
    started.push(sent);
    sent.interrupt = (reason) => {
      interrupts.push(reason);
      answer.reject(reason);
    };
    return answer.promise;
  };
  const outcome = stack([filter(clock)], transport)(call);
  outcome.catch(() => {});
  return { clock, call, started, answer, interrupts, outcome };
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

describe('the stream duration', () => {
  it('ends the call with 504 and the flag UMSDR, however much time its caller leaves', async () => {
    const { clock, call, outcome } = setup(deadlineFilter, { maxStreamDurationMs: 50, timeoutMs: 1000 });
    clock.advance(50);
    await expect(outcome).rejects.toMatchObject({ reason: 'max_duration_timeout', httpStatus: 504, flag: 'UMSDR' });
    expect(call.deadline).toBe(50);
  });

  it('counts to the end of the body', async () => {
    const { clock, call, answer, outcome } = setup(deadlineFilter, { maxStreamDurationMs: 50 });
    const reply = new FakeReply(200);
    answer.resolve(reply);
    await outcome;
    clock.advance(50);
    expect(call.cancelled).toMatchObject({ reason: 'max_duration_timeout' });
  });

  it('of a gRPC call has a limit of its own', async () => {
    const clock = new FakeClock();
    const call = testCall({ protocol: 'grpc' });
    call.action = testForward({ maxStreamDurationMs: 20_000, grpcMaxStreamDurationMs: 10_000 });
    const hanging: Service = (sent) =>
      new Promise((_, reject) => {
        sent.interrupt = reject;
      });
    const outcome = stack([deadlineFilter(clock)], hanging)(call);
    clock.advance(10_000);
    await expect(outcome).rejects.toThrow("the route's maximum stream duration of 10000 ms has passed");
  });

  // gRFC A31 as far as HTTP goes: (max_stream_duration, caller) -> when the call ends; 0 and Infinity for none.
  it.each([
    [0, 10_000, 10_000],
    [20_000, 10_000, 10_000],
    [20_000, 30_000, 20_000],
    [20_000, Number.POSITIVE_INFINITY, 20_000],
    [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])(
    'of %d ms and a caller with %d ms left end the call after %d ms',
    async (maxStreamDurationMs, caller, expected) => {
      const clock = new FakeClock();
      const call = testCall();
      call.action = testForward({ maxStreamDurationMs });
      call.deadline = caller;
      let endedAt = Number.POSITIVE_INFINITY;
      const hanging: Service = (sent) =>
        new Promise((_, reject) => {
          sent.interrupt = reject;
        });
      const outcome = stack(
        [deadlineFilter(clock)],
        hanging,
      )(call).catch(() => {
        endedAt = clock.now();
      });
      await clock.advanceAsync(100_000);
      if (expected !== Number.POSITIVE_INFINITY) await outcome;
      expect(endedAt).toBe(expected);
    },
  );

  it('leaves it to a shorter timeout of the route to say why', async () => {
    const { clock, outcome } = setup(deadlineFilter, { maxStreamDurationMs: 50, timeoutMs: 20 });
    clock.advance(20);
    await expect(outcome).rejects.toMatchObject({ reason: 'upstream_request_timeout' });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the idle timeout', () => {
  it('ends a call that waits for headers with 504 and the flag SI', async () => {
    const { clock, call, outcome } = setup(idleTimeoutFilter, { idleTimeoutMs: 100 });
    clock.advance(60);
    call.idleWatch!.touch();
    clock.advance(99);
    expect(call.cancelled).toBeUndefined();
    clock.advance(1);
    await expect(outcome).rejects.toMatchObject({ reason: 'stream_idle_timeout', httpStatus: 504, flag: 'SI' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('goes on between headers and the end of the body, and leaves no timer after it', async () => {
    const { clock, call, answer, outcome } = setup(idleTimeoutFilter, { idleTimeoutMs: 100 });
    const reply = new FakeReply(200);
    answer.resolve(reply);
    await outcome;
    clock.advance(90);
    call.idleWatch!.touch();
    clock.advance(90);
    expect(call.cancelled).toBeUndefined();
    reply.finish();
    expect(clock.pendingTimers).toBe(0);
  });

  it('costs a route without one nothing', async () => {
    const { clock, call } = setup(idleTimeoutFilter);
    expect(call.idleWatch).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the idle timeout of an attempt', () => {
  const retry = testRetryPolicy({ perTryIdleTimeoutMs: 30 });

  it('gives the attempt up as a per-try timeout does', async () => {
    const { clock, outcome, call } = setup(perTryTimeoutFilter, { retry });
    clock.advance(30);
    await expect(outcome).rejects.toMatchObject({ reason: 'upstream_per_try_timeout' });
    expect(call.cancelled).toBeUndefined();
  });

  it('never touches the attempt that follows a dropped response', async () => {
    const { clock, call, answer, outcome, interrupts } = setup(perTryTimeoutFilter, { retry });
    answer.resolve(new FakeReply(503));
    await outcome;
    let later: MeshError | undefined;
    call.interrupt = (reason) => {
      later = reason;
    };
    clock.advance(30);
    expect(interrupts).toHaveLength(1);
    expect(later).toBeUndefined();
  });
});

describe('an attempt whose time is over', () => {
  it('is not made', async () => {
    const clock = new FakeClock(100);
    const call = testCall();
    call.deadline = 100;
    let sent = 0;
    const service = stack([perTryTimeoutFilter(clock)], async () => {
      sent += 1;
      return new FakeReply(200);
    });
    await expect(service(call)).rejects.toMatchObject({ reason: 'deadline_exceeded', maybeSent: false });
    expect(sent).toBe(0);
  });
});

describe('an incoming request whose time is over', () => {
  it('is refused before its handler runs', async () => {
    const clock = new FakeClock(100);
    const call = testCall();
    call.deadline = 100;
    let served = 0;
    const service = stack([inboundDeadlineFilter(clock)], async () => {
      served += 1;
      return new FakeReply(200);
    });
    await expect(service(call)).rejects.toMatchObject({ reason: 'deadline_exceeded' });
    expect(served).toBe(0);
  });

  it('leaves no timer when it is refused further down', async () => {
    const clock = new FakeClock();
    const call = testCall();
    call.deadline = 100;
    const service = stack([inboundDeadlineFilter(clock)], () => Promise.reject(new Error('refused')));
    await expect(service(call)).rejects.toThrow('refused');
    expect(clock.pendingTimers).toBe(0);
  });
});
