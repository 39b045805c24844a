import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.js';
import { FakeReply } from '../testing/fake-reply.js';
import { testOutlierDetection } from '../testing/index.js';
import { oneClusterMesh } from '../testing/one-cluster-mesh.js';

const grpc = { protocol: 'grpc', method: 'POST' } as const;
const refused = () => new MeshError('upstream_reset', { maybeSent: false });
const goneAway = () => new MeshError('upstream_connection_termination', { maybeSent: false });

describe('a gRPC call that was refused unseen', () => {
  it('goes once to another endpoint, without a policy and without a budget', async () => {
    const m = oneClusterMesh({ cluster: { retryBudget: { percent: 0, minConcurrency: 0 } } });
    m.answerWith((_, count) => (count === 1 ? refused() : new FakeReply(200)));
    await m.send(grpc);
    expect(new Set(m.sent).size).toBe(2);
    expect(m.state.counters.upstreamRqRetry).toBe(0);
  });

  it('fails where it is refused again', async () => {
    const m = oneClusterMesh();
    m.answerWith(refused);
    await expect(m.send(grpc)).rejects.toMatchObject({ reason: 'upstream_reset' });
    expect(m.sent).toHaveLength(2);
  });

  it('goes three times where it met connections at their end, which blames nobody', async () => {
    const detection = testOutlierDetection({ consecutive5xx: 1, maxEjectionPercent: 100 });
    const m = oneClusterMesh({ cluster: { outlierDetection: detection } });
    m.answerWith(goneAway);
    await expect(m.send(grpc)).rejects.toMatchObject({ reason: 'upstream_connection_termination' });
    expect(m.sent).toHaveLength(4);
    expect(m.endpoints.map(({ state }) => state.inFlight)).toEqual([0, 0, 0]);
    m.answerWith(() => new FakeReply(200));
    for (let i = 0; i < 3; i += 1) await m.send(grpc);
    expect(new Set(m.sent.slice(4)).size).toBe(3);
  });

  it('keeps its place in the limit of requests', async () => {
    const m = oneClusterMesh();
    const places: number[] = [];
    m.answerWith((_, count) => {
      places.push(m.state.breaker.requests);
      return count === 1 ? refused() : new FakeReply(200);
    });
    const reply = await m.send(grpc);
    expect(places).toEqual([1, 1]);
    reply.discard();
    expect(m.state.breaker.requests).toBe(0);
  });

  it.each([
    ['may have been seen', new MeshError('upstream_reset', { maybeSent: true })],
    ['could not be connected', new MeshError('upstream_connection_failure')],
  ])('is another than one that %s', async (_, failure) => {
    const m = oneClusterMesh();
    m.answerWith(() => failure);
    await expect(m.send(grpc)).rejects.toBe(failure);
    expect(m.sent).toHaveLength(1);
  });

  it('is not sent again once it was cancelled, or cannot be', async () => {
    for (const hinder of ['cancel', 'replay'] as const) {
      const m = oneClusterMesh();
      const call = m.call(grpc);
      m.answerWith(() => {
        if (hinder === 'cancel') call.cancel(new MeshError('caller_cancelled'));
        else call.canReplay = () => false;
        return refused();
      });
      await expect(m.send(call)).rejects.toBeDefined();
      expect(m.sent).toHaveLength(1);
    }
  });
});

it('an HTTP request is left to its policy', async () => {
  const m = oneClusterMesh();
  m.answerWith(refused);
  await expect(m.send()).rejects.toMatchObject({ reason: 'upstream_reset' });
  expect(m.sent).toHaveLength(1);
});
