import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.js';
import type { RetryCondition } from '../model/route.js';
import { FakeReply, terminated } from '../testing/fake-reply.js';
import { testRetryPolicy } from '../testing/index.js';
import { oneClusterMesh } from '../testing/one-cluster-mesh.js';

class GrpcReply extends FakeReply {
  override readonly grpcStatus: number;

  constructor(status: number, headers: Readonly<Record<string, string>> = {}) {
    super(200, headers);
    this.grpcStatus = status;
  }
}

const noLimit = { retryBudget: { percent: 100, minConcurrency: 100 } };

function mesh(on: readonly RetryCondition[], attempts = 2) {
  const retry = testRetryPolicy({ on: new Set(on), attempts, backoff: { baseMs: 1, maxMs: 1 } });
  return oneClusterMesh({ action: { retry }, cluster: noLimit });
}

const grpc = { protocol: 'grpc', method: 'POST' } as const;

describe('the push-back of a gRPC server', () => {
  it('is how long the retry waits', async () => {
    const m = mesh(['unavailable']);
    const times: number[] = [];
    m.answerWith((_, attempt) => {
      times.push(m.clock.now());
      return attempt === 1 ? new GrpcReply(14, { 'grpc-retry-pushback-ms': '300' }) : new GrpcReply(0);
    });
    await m.send(grpc);
    expect(times).toEqual([0, 300]);
  });

  it.each(['-1', '-500', 'soon', '', '1.5'])('ends the retries where it is %j', async (value) => {
    const m = mesh(['unavailable']);
    m.answerWith(() => new GrpcReply(14, { 'grpc-retry-pushback-ms': value }));
    await m.send(grpc);
    expect(m.sent).toHaveLength(1);
  });

  it('is not waited for past the deadline', async () => {
    const m = mesh(['unavailable']);
    m.answerWith(() => new GrpcReply(14, { 'grpc-retry-pushback-ms': '300' }));
    const call = m.call(grpc);
    call.deadline = 200;
    await m.send(call);
    expect(m.sent).toHaveLength(1);
  });

  it('means nothing in an HTTP response', async () => {
    const m = mesh(['5xx']);
    m.answerWith(() => new FakeReply(503, { 'grpc-retry-pushback-ms': '-1' }));
    await m.send();
    expect(m.sent).toHaveLength(3);
  });
});

describe('the number of attempts', () => {
  it('is five at most of a gRPC call', async () => {
    const m = mesh(['unavailable'], 20);
    m.answerWith(() => new GrpcReply(14));
    await m.send(grpc);
    expect(m.sent).toHaveLength(5);
  });

  it('is the policy’s of an HTTP request', async () => {
    const m = mesh(['5xx'], 20);
    m.answerWith(() => new FakeReply(503));
    await m.send();
    expect(m.sent).toHaveLength(21);
  });
});

describe('a connection that breaks under a gRPC call', () => {
  it('is retried where the policy names UNAVAILABLE', async () => {
    const m = mesh(['unavailable']);
    m.answerWith((_, attempt) => (attempt === 1 ? terminated() : new GrpcReply(0)));
    await m.send(grpc);
    expect(m.sent).toHaveLength(2);
  });

  it('is not retried under an HTTP request for that', async () => {
    const m = mesh(['unavailable']);
    m.answerWith(() => terminated());
    await m.send({ method: 'POST' }).catch(() => {});
    expect(m.sent).toHaveLength(1);
  });

  it('is retried by the status that it came as', async () => {
    const m = mesh(['internal']);
    const reset = () => new MeshError('upstream_reset', { maybeSent: true, grpcStatus: 13 });
    m.answerWith((_, attempt) => (attempt === 1 ? reset() : new GrpcReply(0)));
    await m.send(grpc);
    expect(m.sent).toHaveLength(2);
  });
});
