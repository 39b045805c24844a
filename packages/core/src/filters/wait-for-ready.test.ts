import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.js';
import { FakeReply, refused, terminated } from '../testing/fake-reply.js';
import { oneClusterMesh } from '../testing/one-cluster-mesh.js';

function waiting(m: ReturnType<typeof oneClusterMesh>) {
  const call = m.call();
  call.waitForReady = true;
  return call;
}

describe('a call that waits until it is served', () => {
  it('goes to the first endpoint that there is', async () => {
    const m = oneClusterMesh({ endpoints: 0 });
    const sending = m.service(waiting(m));
    await m.clock.advanceAsync(10_000);
    expect(m.sent).toEqual([]);
    expect(m.state.breaker.requests).toBe(0);
    m.publish({ endpoints: 1 });
    await m.clock.advanceAsync(250);
    expect((await sending).httpStatus).toBe(200);
  });

  it('connects again until it can', async () => {
    const m = oneClusterMesh();
    m.answerWith((_, attempt) => (attempt < 10 ? refused() : new FakeReply(200)));
    expect((await m.send(waiting(m), 5000)).httpStatus).toBe(200);
    expect(m.sent).toHaveLength(10);
  });

  it('fails of anything else', async () => {
    const m = oneClusterMesh();
    m.answerWith(() => terminated());
    await expect(m.send(waiting(m))).rejects.toMatchObject({ reason: 'upstream_connection_termination' });
    expect(m.sent).toHaveLength(1);
  });

  it('ends at its deadline, and with its caller', async () => {
    const m = oneClusterMesh({ endpoints: 0 });
    const late = waiting(m);
    late.deadline = 500;
    const cancelled = waiting(m);
    const results = Promise.allSettled([m.service(late), m.service(cancelled)]);
    await m.clock.advanceAsync(400);
    cancelled.cancel(new MeshError('caller_cancelled'));
    await m.clock.advanceAsync(100);
    const reasons = (await results).map((result) => result.status === 'rejected' && result.reason.reason);
    expect(reasons).toEqual(['deadline_exceeded', 'caller_cancelled']);
    expect(m.clock.pendingTimers).toBe(0);
  });

  it('is one that asked for it', async () => {
    const m = oneClusterMesh({ endpoints: 0 });
    await expect(m.send()).rejects.toMatchObject({ reason: 'no_healthy_upstream' });
  });
});
