import { HeaderList, MeshError, MeshSnapshot } from '@inmesh/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { inboundCalls } from '../../src/server/context.js';
import { InboundCall } from '../../src/server/inbound-call.js';
import { controlled, failureOf, never, settle, testGuards } from './support.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function inboundCall(): InboundCall {
  const snapshot = new MeshSnapshot({
    generation: 0,
    listeners: new Map(),
    routeTables: new Map(),
    clusters: new Map(),
    searchDomains: [],
  });
  const headers = new HeaderList();
  return new InboundCall({
    protocol: 'http',
    scheme: 'http',
    authority: 'me',
    method: 'GET',
    path: '/',
    headers,
    snapshot,
    startedAt: 0,
  });
}

describe('timeoutMs', () => {
  test('ends a call that takes too long at exactly that time, and says how', async () => {
    const { guards, events } = testGuards();
    const ended = vi.fn();
    const failure = failureOf(guards.guard('slow', never, { timeoutMs: 200 })());
    failure.then(ended);
    await vi.advanceTimersByTimeAsync(199);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toMatchObject({
      reason: 'deadline_exceeded',
      cluster: 'guard|slow',
      attempts: 1,
      maybeSent: true,
      message: 'no result within 200 ms',
      hint: 'raise timeoutMs, or find out why the function is slow',
    });
    expect(events).toEqual([{ name: 'slow', outcome: 'deadline_exceeded', durationMs: 200, attempts: 1 }]);
  });

  test('of 0 waits for ever', async () => {
    const { guards } = testGuards();
    const { fn, ends } = controlled();
    const result = guards.guard('patient', fn, { timeoutMs: 0 })();
    await vi.advanceTimersByTimeAsync(3_600_000);
    ends[0]!.resolve('at last');
    expect(await result).toBe('at last');
  });

  test('leaves a late rejection of the function handled', async () => {
    const { guards } = testGuards();
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const { fn, ends } = controlled();
    const failure = failureOf(guards.guard('late', fn, { timeoutMs: 10 })());
    await vi.advanceTimersByTimeAsync(10);
    expect((await failure).reason).toBe('deadline_exceeded');
    ends[0]!.reject(new Error('too late'));
    vi.useRealTimers();
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('the request being answered', () => {
  test('shortens the deadline to what is left of its own', async () => {
    const { guards } = testGuards();
    const guarded = guards.guard('inherited', never, { timeoutMs: 10_000 });
    const inbound = inboundCall();
    inbound.deadline = performance.now() + 50;
    const failure = failureOf(inboundCalls.run(inbound, () => guarded()));
    await vi.advanceTimersByTimeAsync(50);
    expect(await failure).toMatchObject({ reason: 'deadline_exceeded', message: 'no result within 50 ms' });
  });

  test('does not lengthen it', async () => {
    const { guards } = testGuards();
    const inbound = inboundCall();
    inbound.deadline = performance.now() + 5000;
    const failure = failureOf(inboundCalls.run(inbound, () => guards.guard('own', never, { timeoutMs: 20 })()));
    await vi.advanceTimersByTimeAsync(20);
    expect((await failure).message).toBe('no result within 20 ms');
  });

  test('keeps the function from running when its deadline has passed or its caller has gone', async () => {
    const { guards } = testGuards();
    const fn = vi.fn(async () => 1);
    const guarded = guards.guard('pointless', fn);
    const late = inboundCall();
    late.deadline = performance.now();
    expect(await failureOf(inboundCalls.run(late, () => guarded()))).toMatchObject({
      reason: 'deadline_exceeded',
      attempts: 0,
      maybeSent: false,
    });
    const gone = inboundCall();
    gone.cancel(new MeshError('caller_cancelled'));
    expect((await failureOf(inboundCalls.run(gone, () => guarded()))).reason).toBe('caller_cancelled');
    await settle();
    expect(fn).not.toHaveBeenCalled();
  });
});
