import * as grpc from '@grpc/grpc-js';
import type { RetryCondition } from '@inmesh/core';
import { testRetryPolicy, testThresholds } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { RecordingTelemetry } from '../server/recording-telemetry.js';
import type { StaticMesh } from '../support/static-mesh.js';
import type { GrpcTestServer } from './interop-server.js';
import { type OutputResponse, payload, type TestClient, TestService } from './interop-service.js';
import { collect, keep, startMesh, startServer, unary } from './support.js';

/** A client with a channel of its own. */
function ownClient(mesh: StaticMesh, { port }: GrpcTestServer): TestClient {
  const interceptors = [mesh.grpc.interceptor('reviews:80')];
  return keep(new TestService(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { interceptors }));
}

const unavailable = testRetryPolicy({
  on: new Set<RetryCondition>(['unavailable']),
  backoff: { baseMs: 1, maxMs: 2 },
});

describe('the interceptor for a client with a channel of its own', () => {
  it('leaves the endpoint to the channel', async () => {
    const [own, others] = [await startServer({ name: 'own' }), await startServer({ name: 'others' })];
    const client = ownClient(startMesh([others]), own);
    const { response } = await unary(client, { payload: payload(100_000), response_size: 5 });
    expect([response?.username, response?.payload?.body.length]).toEqual(['own', 5]);
  });

  it('carries streams of every kind', async () => {
    const client = ownClient(startMesh([]), await startServer());
    const total = await new Promise((resolve) => {
      const call = client.StreamingInputCall(new grpc.Metadata(), {}, (_, answer) => resolve(answer));
      for (const size of [1, 20, 300]) call.write({ payload: payload(size) });
      call.end();
    });
    expect(total).toEqual({ aggregated_payload_size: 321 });
    const sizes = [5, 6, 7];
    const output = await collect(client.StreamingOutputCall({ response_parameters: sizes.map((size) => ({ size })) }));
    expect(output.messages.map((message) => message.payload.body.length)).toEqual(sizes);
    const duplex = client.FullDuplexCall();
    for (const size of sizes) duplex.write({ response_parameters: [{ size }] });
    duplex.end();
    const echoed = await collect(duplex as unknown as grpc.ClientDuplexStream<never, OutputResponse>);
    expect(echoed.messages.map((message) => message.payload.body.length)).toEqual(sizes);
  });

  it('retries', async () => {
    const server = await startServer({
      unary: async (_, seenBefore) => (seenBefore < 2 ? { code: 14, details: 'not now' } : undefined),
    });
    expect((await unary(ownClient(startMesh([], { retry: unavailable }), server))).error).toBeNull();
    expect(server.metadata.at(-1)!.get('grpc-previous-rpc-attempts')).toEqual(['2']);
  });

  it('bounds by the route’s timeout and the breaker', async () => {
    const server = await startServer({ unary: () => new Promise(() => {}) });
    const limited = { ...testThresholds, maxRequests: 1 };
    const mesh = startMesh([], { timeoutMs: 150, cluster: { circuitBreakers: { default: limited, high: limited } } });
    const client = ownClient(mesh, server);
    const first = unary(client);
    await Promise.resolve();
    expect((await unary(client)).error?.details).toContain('upstream_overflow');
    expect((await first).error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
  });

  it('knows the target of the channel by itself', async () => {
    const server = await startServer();
    const interceptors = [startMesh([]).grpc.interceptor()];
    const credentials = grpc.credentials.createInsecure();
    const client = keep(new TestService(`dns:///127.0.0.1:${server.port}`, credentials, { interceptors }));
    const { error } = await unary(client);
    expect(error?.details).toContain(`nothing is configured for 127.0.0.1:${server.port}`);
  });

  it('leaves calls alone whose channel leads to no host', async () => {
    const interceptors = [startMesh([]).grpc.interceptor()];
    const credentials = grpc.credentials.createInsecure();
    const client = keep(new TestService('unix:///nowhere.sock', credentials, { interceptors }));
    expect((await unary(client)).error?.details).toContain('No connection established');
  });

  it('tells telemetry', async () => {
    const telemetry = new RecordingTelemetry();
    await unary(ownClient(startMesh([], { telemetry: [telemetry] }), await startServer()));
    expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 200, grpcStatus: 0 }]);
  });
});
