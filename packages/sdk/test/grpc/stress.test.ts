import * as grpc from '@grpc/grpc-js';
import type { RetryCondition } from '@inmesh/core';
import { seededRandom, testOutlierDetection, testRetryPolicy, testThresholds } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { type OutputRequest, type OutputResponse, type Payload, payload, type TestClient } from './interop-service.js';
import { clientOf, startMesh, startServer, startWire, unary } from './support.js';

const retry = testRetryPolicy({
  on: new Set<RetryCondition>(['connect-failure', 'refused-stream', 'unavailable', 'cancelled']),
  attempts: 3,
  backoff: { baseMs: 1, maxMs: 5 },
});
const limits = { ...testThresholds, maxRequests: 60, maxPendingRequests: 20 };

type Surface =
  | grpc.ClientUnaryCall
  | grpc.ClientReadableStream<OutputResponse>
  | grpc.ClientWritableStream<{ payload: Payload }>
  | grpc.ClientDuplexStream<OutputRequest, OutputResponse>;

/** Settles with the one status that the caller is told. */
function statusOf(surface: Surface): Promise<number> {
  const call: NodeJS.EventEmitter = surface;
  const statuses: number[] = [];
  call.on('error', () => {});
  return new Promise((resolve, reject) => {
    call.on('status', ({ code }: grpc.StatusObject) => {
      statuses.push(code);
      if (statuses.length > 1) reject(new Error(`two statuses: ${statuses}`));
      setTimeout(() => resolve(code), 20);
    });
  });
}

function begin(client: TestClient, random: () => number): Surface {
  const deadline = random() < 0.2 ? Date.now() + random() * 40 : Number.POSITIVE_INFINITY;
  const size = Math.floor(random() ** 4 * 400_000);
  const none = () => {};
  const kind = Math.floor(random() * 4);
  if (kind === 0) return client.UnaryCall({ payload: payload(size) }, new grpc.Metadata(), { deadline }, none);
  if (kind === 1) {
    const call = client.StreamingOutputCall({ response_parameters: [{ size }, { size: 1 }] }, undefined, { deadline });
    call.on('data', none);
    return call;
  }
  const options = { deadline };
  if (kind === 2) return writing(client.StreamingInputCall(new grpc.Metadata(), options, none), size, random);
  return writing(client.FullDuplexCall(new grpc.Metadata(), options).on('data', none), size, random);
}

function writing<Stream extends Surface>(stream: Stream, size: number, random: () => number): Stream {
  const call = stream as unknown as grpc.ClientDuplexStream<OutputRequest, OutputResponse>;
  for (let i = 0; i < random() * 5; i += 1) call.write({ payload: payload(size), response_parameters: [{ size: 9 }] });
  call.end();
  return stream;
}

it('holds nothing of calls that are over, however they went, and tells each its status once', async () => {
  const random = seededRandom(11);
  const servers = [await startServer(), await startServer({ options: { 'grpc.max_connection_age_ms': 60 } })];
  const wires = [await startWire(servers[0]!), await startWire(servers[1]!)];
  const mesh = startMesh(wires, {
    retry,
    cluster: {
      circuitBreakers: { default: limits, high: limits },
      outlierDetection: testOutlierDetection({ baseEjectionTimeMs: 20 }),
      retryBudget: { percent: 100, minConcurrency: 20 },
    },
  });
  const client = clientOf(mesh, { 'grpc.per_rpc_retry_buffer_size': 50_000, 'grpc.retry_buffer_size': 500_000 });
  const codes = new Map<number, number>();
  for (let round = 0; round < 30; round += 1) {
    const calls = Array.from({ length: 40 }, () => begin(client, random));
    const ended = calls.map(statusOf);
    for (const call of calls) if (random() < 0.15) setTimeout(() => call.cancel(), random() * 15);
    if (round % 4 === 0) setTimeout(() => wires[Math.floor(random() * 2)]!.cut(), random() * 15);
    for (const code of await Promise.all(ended)) codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  expect(codes.get(grpc.status.OK)).toBeGreaterThan(300);
  const { state, endpoints } = mesh.internals.snapshots.current.clusters.get('reviews')!;
  const { requests, pendingRequests, retries } = state.breaker;
  expect({ requests, pendingRequests, retries }).toEqual({ requests: 0, pendingRequests: 0, retries: 0 });
  expect(endpoints.map((endpoint) => endpoint.state.inFlight)).toEqual([0, 0]);
  mesh.setPorts([servers[0]!.port]);
  expect((await unary(client)).error).toBeNull();
  expect(state.breaker.connections).toBe(1);
});
