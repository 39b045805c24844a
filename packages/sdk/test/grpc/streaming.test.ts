import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import type { RetryCondition } from '@inmesh/core';
import { testRetryPolicy } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { closedPort } from '../support/test-server.js';
import { type OutputRequest, type OutputResponse, payload } from './interop-service.js';
import { clientOf, collect, startMesh, startServer, startWire, unary } from './support.js';

type Duplex = grpc.ClientDuplexStream<OutputRequest, OutputResponse>;

const unavailable = testRetryPolicy({
  on: new Set<RetryCondition>(['connect-failure', 'unavailable']),
  backoff: { baseMs: 1, maxMs: 2 },
});

function ended(stream: Duplex) {
  return collect(stream as unknown as grpc.ClientDuplexStream<never, OutputResponse>);
}

function upload(client: ReturnType<typeof clientOf>, sizes: readonly number[]): Promise<number | grpc.ServiceError> {
  return new Promise((resolve) => {
    const call = client.StreamingInputCall(new grpc.Metadata(), {}, (error, answer) =>
      resolve(error ?? answer!.aggregated_payload_size),
    );
    for (const size of sizes) call.write({ payload: payload(size) });
    call.end();
  });
}

describe('a stream through the mesh', () => {
  it('is sent again, whole and in order, to the next endpoint while nothing has come back', async () => {
    const server = await startServer();
    const client = clientOf(startMesh([{ port: await closedPort() }, server], { retry: unavailable }));
    for (let i = 0; i < 4; i += 1) expect(await upload(client, [1, 20, 300, 4000])).toBe(4321);
    expect(server.seen).toHaveLength(4);
  });

  it('is sent once where it is longer than the buffer, and whole', async () => {
    const server = await startServer();
    const client = clientOf(startMesh([server], { retry: unavailable }), { 'grpc.per_rpc_retry_buffer_size': 1000 });
    expect(await upload(client, [600, 600, 600, 50_000, 7])).toBe(51_807);
  });

  it('carries messages both ways in order', async () => {
    const server = await startServer();
    const stream = clientOf(startMesh([server])).FullDuplexCall();
    const result = ended(stream);
    const sizes = Array.from({ length: 500 }, (_, index) => index);
    for (const size of sizes) stream.write({ response_parameters: [{ size }], payload: payload(10) });
    stream.end();
    expect((await result).messages.map((message) => message.payload.body.length)).toEqual(sizes);
  });

  it('is not tried again after the first message', async () => {
    const server = await startServer();
    const stream = clientOf(startMesh([server], { retry: unavailable })).FullDuplexCall();
    const result = ended(stream);
    stream.write({ response_parameters: [{ size: 1 }] });
    await once(stream, 'data');
    stream.write({ response_status: { code: 14, message: 'in the middle' } });
    expect((await result).error).toMatchObject({ code: 14, details: 'in the middle' });
    expect(server.seen).toHaveLength(1);
  });

  it('is cancelled where its caller cancels it', async () => {
    const server = await startServer();
    const stream = clientOf(startMesh([server])).FullDuplexCall();
    const result = ended(stream);
    stream.write({ response_parameters: [{ size: 1 }] });
    await once(stream, 'data');
    stream.cancel();
    expect((await result).error?.code).toBe(grpc.status.CANCELLED);
    await server.untilCancelled(1);
  });

  it('is held back as its reader is slow', async () => {
    let written = 0;
    let blocked = false;
    const server = await startServer({
      output: async (call) => {
        for (; written < 200; written += 1) {
          if (call.write({ payload: payload(65_536) })) continue;
          blocked = true;
          await once(call, 'drain');
        }
        call.end();
      },
    });
    const stream = clientOf(startMesh([server])).StreamingOutputCall({});
    await once(stream, 'readable');
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
    expect(blocked).toBe(true);
    expect(written).toBeLessThan(60);
    const { messages } = await collect(stream);
    expect(messages).toHaveLength(200);
  });

  it('holds its writer back as the server is slow', async () => {
    const server = await startServer({ input: () => {} });
    const client = clientOf(startMesh([server]));
    const call = client.StreamingInputCall(new grpc.Metadata(), {}, () => {});
    call.on('error', () => {});
    let taken = 0;
    const chunk = { payload: payload(65_536) };
    for (let i = 0; i < 200; i += 1) call.write(chunk, () => (taken += 1));
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(50);
    call.cancel();
  });

  it('ends with UNAVAILABLE where its server is lost, and tells which', async () => {
    const wire = await startWire(await startServer());
    const stream = clientOf(startMesh([wire])).FullDuplexCall();
    const result = ended(stream);
    stream.write({ response_parameters: [{ size: 1 }] });
    await once(stream, 'data');
    wire.cut();
    const { error } = await result;
    expect(error?.code).toBe(grpc.status.UNAVAILABLE);
    expect(error?.details).toContain(`endpoint 127.0.0.1:${wire.port}`);
  });

  it('ends at its deadline in the middle', async () => {
    const server = await startServer();
    const stream = clientOf(startMesh([server])).FullDuplexCall(new grpc.Metadata(), { deadline: Date.now() + 150 });
    const result = ended(stream);
    stream.write({ response_parameters: [{ size: 1 }] });
    await once(stream, 'data');
    expect((await result).error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await server.untilCancelled(1);
  });

  it('ends where nothing moves for the route’s idle timeout, and not before', async () => {
    const server = await startServer();
    const stream = clientOf(startMesh([server], { action: { idleTimeoutMs: 80 } })).FullDuplexCall();
    const result = ended(stream);
    const { error, messages } = await result;
    expect(messages).toEqual([]);
    expect(error?.details).toContain('stream_idle_timeout');
  });
});

describe('options of a channel', () => {
  it('compress messages', async () => {
    const server = await startServer();
    const client = clientOf(startMesh([server]), {
      'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip,
    });
    const { response, error } = await unary(client, { payload: payload(100_000), response_size: 10 });
    expect([error, response?.payload?.body.length]).toEqual([null, 10]);
  });

  it('bound what is received', async () => {
    const client = clientOf(startMesh([await startServer()]), { 'grpc.max_receive_message_length': 1000 });
    const { error } = await unary(client, { response_size: 2000 });
    expect(error?.code).toBe(grpc.status.RESOURCE_EXHAUSTED);
    expect(error?.details).toContain('larger than max');
  });

  it('bound what is sent', async () => {
    const server = await startServer();
    const client = clientOf(startMesh([server], { retry: unavailable }), { 'grpc.max_send_message_length': 1000 });
    const { error } = await unary(client, { payload: payload(2000) });
    expect(error?.code).toBe(grpc.status.RESOURCE_EXHAUSTED);
    expect(error?.details).toBe('Attempted to send message with a size larger than 1000');
    expect(server.seen).toEqual([]);
  });
});
