import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.js';
import { FakeReply, refused, terminated } from '../testing/fake-reply.js';
import { testOutlierDetection, testRetryPolicy } from '../testing/index.js';
import { type OneClusterSetup, oneClusterMesh } from '../testing/one-cluster-mesh.js';

/** seed-config 07: two errors within the 2 s sweep eject for 3 minutes. */
const seed07 = testOutlierDetection({
  consecutive5xx: 2,
  intervalMs: 2000,
  baseEjectionTimeMs: 180_000,
  maxEjectionPercent: 100,
});

function mesh(setup: OneClusterSetup & { detection?: typeof seed07 } = {}) {
  const { detection = seed07, ...rest } = setup;
  return oneClusterMesh({ ...rest, cluster: { outlierDetection: detection, ...rest.cluster } });
}

async function finish(sending: Promise<FakeReply>): Promise<void> {
  await sending.then(
    (reply) => reply.finish(),
    () => {},
  );
}

describe('outlier detection', () => {
  it('keeps an endpoint out for three minutes after two errors, as seed-config 07 says', async () => {
    const m = mesh();
    m.answerWith((call) => new FakeReply(call.endpoint!.endpoint.host === '10.0.0.1' ? 500 : 200));
    for (let i = 0; i < 30; i += 1) await finish(m.send({}, 0));
    const bad = '10.0.0.1:8080';
    expect(m.sent.filter((address) => address === bad)).toHaveLength(2);
    expect(m.state.hosts.get(bad)!.ejected).toBe(true);
    m.clock.advance(179_999);
    for (let i = 0; i < 30; i += 1) await finish(m.send({}, 0));
    expect(m.sent.filter((address) => address === bad)).toHaveLength(2);
    m.clock.advance(1);
    for (let i = 0; i < 30; i += 1) await finish(m.send({}, 0));
    expect(m.sent.filter((address) => address === bad)).toHaveLength(4);
  });

  it.each([
    ['a refused connection', refused],
    ['a connection that broke', terminated],
    ['the route’s timeout', () => new MeshError('upstream_request_timeout', { maybeSent: true })],
    ['the caller’s deadline', () => new MeshError('deadline_exceeded', { maybeSent: true })],
    ['a protocol error', () => new MeshError('upstream_protocol_error', { maybeSent: true })],
  ])('counts %s as an error', async (_, failure) => {
    const m = mesh({ endpoints: 1 });
    m.answerWith(failure);
    for (let i = 0; i < 2; i += 1) await finish(m.send({}, 0));
    expect(m.endpoints[0]!.host.ejected).toBe(true);
  });

  it.each(['upstream_overflow', 'caller_cancelled', 'invalid_request', 'mesh_closed'] as const)(
    'does not blame the endpoint for %s',
    async (reason) => {
      const m = mesh();
      m.answerWith(() => new MeshError(reason));
      for (let i = 0; i < 20; i += 1) await finish(m.send({}, 0));
      expect(m.state.outlierDetector!.counters.detected.consecutive_5xx).toBe(0);
    },
  );

  it('sees the timeout of a try that another one made good', async () => {
    const retry = testRetryPolicy({ perTryTimeoutMs: 10, attempts: 2 });
    const m = mesh({ action: { retry }, endpoints: 2 });
    m.answerWith((call) =>
      call.endpoint!.endpoint.host === '10.0.0.1'
        ? new Promise((_, reject) => (call.interrupt = reject))
        : new FakeReply(200),
    );
    for (let i = 0; i < 10; i += 1) expect((await m.send({}, 100)).httpStatus).toBe(200);
    expect(m.sent.filter((address) => address === '10.0.0.1:8080')).toHaveLength(2);
    expect(m.state.counters.upstreamRqPerTryTimeout).toBe(2);
  });

  it('counts a body that breaks off or falls silent against the endpoint, and one that was given up not', async () => {
    const m = mesh({ endpoints: 1, detection: { ...seed07, maxEjectionPercent: 0 } });
    const stalled = new MeshError('upstream_per_try_timeout', { maybeSent: true });
    const late = new MeshError('upstream_request_timeout', { maybeSent: true });
    for (const failure of [terminated(), stalled, late, new MeshError('caller_cancelled')]) {
      const reply = await m.send({}, 0);
      reply.finish(failure);
    }
    const { monitor } = m.endpoints[0]!.host;
    expect(monitor!.external).toMatchObject({ total: 6, successes: 4 });
  });

  it('ejects a crashed endpoint of three after at most five failures, and loses no idempotent request', async () => {
    const retry = testRetryPolicy();
    const m = mesh({ action: { retry }, detection: testOutlierDetection({ maxEjectionPercent: 100 }) });
    m.answerWith((call) => (call.endpoint!.endpoint.host === '10.0.0.2' ? terminated() : new FakeReply(200)));
    for (let i = 0; i < 300; i += 1) {
      const reply = await m.send({}, 300);
      expect(reply.httpStatus).toBe(200);
      reply.finish();
      if (m.clock.now() > 25_000) break;
    }
    expect(m.sent.filter((address) => address === '10.0.0.2:8080')).toHaveLength(5);
  });

  it('keeps ejections through new settings and new endpoints, and ends them with the detection', async () => {
    const m = mesh();
    m.answerWith((call) => new FakeReply(call.endpoint!.endpoint.host === '10.0.0.1' ? 500 : 200));
    for (let i = 0; i < 10; i += 1) await finish(m.send({}, 0));
    const host = m.state.hosts.get('10.0.0.1:8080')!;
    m.publish({ endpoints: 4, cluster: { outlierDetection: { ...seed07, intervalMs: 1000 } } });
    expect(m.state.hosts.get('10.0.0.1:8080')).toBe(host);
    expect(host.ejected).toBe(true);
    m.publish({ endpoints: 4 });
    expect(host.ejected).toBe(false);
    expect(m.clock.pendingTimers).toBe(0);
  });

  it.each([
    ['its cluster is gone', (m: ReturnType<typeof mesh>) => m.publishWithoutCluster()],
    ['the mesh is closed', (m: ReturnType<typeof mesh>) => m.close()],
  ])('leaves no timer behind when %s', async (_, end) => {
    const m = mesh();
    await finish(m.send({}, 0));
    expect(m.clock.pendingTimers).toBe(1);
    const late = m.call();
    end(m);
    expect(m.clock.pendingTimers).toBe(0);
    await finish(m.send(late, 0));
    expect(m.clock.pendingTimers).toBe(0);
  });
});
