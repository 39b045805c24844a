import { describe, expect, it } from 'vitest';
import { inbound } from './inbound.js';
import type { Service } from './service.js';
import { FakeReply } from './testing/fake-reply.js';
import { FakeClock, testCall, testInboundChecks } from './testing/index.js';

function serve(handler: Service) {
  const clock = new FakeClock();
  return { clock, service: inbound(handler, { clock, telemetry: [], policy: testInboundChecks }) };
}

describe('an incoming call', () => {
  it('is cancelled when the time that its caller gave has passed', async () => {
    const { clock, service } = serve(async () => new FakeReply(200));
    const call = testCall();
    call.deadline = clock.now() + 50;
    await service(call);
    clock.advance(50);
    expect(call.cancelled).toMatchObject({ reason: 'deadline_exceeded' });
  });

  it('leaves no timer once it is answered, and what its handler does afterwards has time', async () => {
    const reply = new FakeReply(200);
    const { clock, service } = serve(async () => reply);
    const call = testCall();
    call.deadline = clock.now() + 50;
    await service(call);
    reply.finish();
    expect(clock.pendingTimers).toBe(0);
    expect(call.deadline).toBe(Number.POSITIVE_INFINITY);
    clock.advance(100);
    expect(call.cancelled).toBeUndefined();
  });

  it('without a deadline sets no timer', async () => {
    const { clock, service } = serve(async () => new FakeReply(200));
    await service(testCall());
    expect(clock.pendingTimers).toBe(0);
  });
});
