import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { echoInitialKey, echoTrailingKey } from './interop-server.js';
import { type OutputRequest, type OutputResponse, payload, type TestClient, TestService } from './interop-service.js';
import { clientOf, collect, keep, metadataOf, startMesh, startServer, unary } from './support.js';

async function throughChannel() {
  const server = await startServer();
  return { server, client: clientOf(startMesh([server])) };
}

async function toServerInMesh() {
  const server = await startServer({ options: { interceptors: [startMesh([]).grpc.serverInterceptor()] } });
  return { server, client: clientOf(startMesh([server])) };
}

async function throughInterceptor() {
  const server = await startServer();
  const interceptors = [startMesh([server]).grpc.interceptor('reviews:80')];
  const address = `127.0.0.1:${server.port}`;
  return { server, client: keep(new TestService(address, grpc.credentials.createInsecure(), { interceptors })) };
}

/** One message of the caller for each of the server. */
async function pingPong(
  call: grpc.ClientDuplexStream<OutputRequest, OutputResponse>,
  sizes: readonly (readonly [request: number, response: number])[],
): Promise<number[]> {
  const received: number[] = [];
  for (const [request, response] of sizes) {
    call.write({ response_parameters: [{ size: response }], payload: payload(request) });
    const [message] = (await once(call, 'data')) as [OutputResponse];
    received.push(message.payload.body.length);
  }
  return received;
}

describe.each([
  ['through mesh.grpc.channel', throughChannel],
  ['to a server with the mesh’s interceptor', toServerInMesh],
  ['through the client’s interceptor', throughInterceptor],
])('grpc’s interop cases pass %s', (_, connect) => {
  it('empty_unary', async () => {
    const { client } = await connect();
    const response = await new Promise((resolve, reject) => {
      client.EmptyCall({}, new grpc.Metadata(), {}, (error, message) => (error ? reject(error) : resolve(message)));
    });
    expect(response).toEqual({});
  });

  it('large_unary', async () => {
    const { client } = await connect();
    const { response, status } = await unary(client, { response_size: 314_159, payload: payload(271_828) });
    expect(response?.payload?.body).toHaveLength(314_159);
    expect(status.code).toBe(grpc.status.OK);
  });

  it('client_streaming', async () => {
    const { client } = await connect();
    const total = await new Promise((resolve, reject) => {
      const call = client.StreamingInputCall(new grpc.Metadata(), {}, (error, message) =>
        error ? reject(error) : resolve(message?.aggregated_payload_size),
      );
      for (const size of [27_182, 8, 1828, 45_904]) call.write({ payload: payload(size) });
      call.end();
    });
    expect(total).toBe(74_922);
  });

  it('server_streaming', async () => {
    const { client } = await connect();
    const sizes = [31_415, 9, 2653, 58_979];
    const call = client.StreamingOutputCall({ response_parameters: sizes.map((size) => ({ size })) });
    const { messages, status } = await collect(call);
    expect(messages.map((message) => message.payload.body.length)).toEqual(sizes);
    expect(status.code).toBe(grpc.status.OK);
  });

  it('ping_pong', async () => {
    const { client } = await connect();
    const call = client.FullDuplexCall();
    const ended = once(call, 'status');
    const sizes = [
      [27_182, 31_415],
      [8, 9],
      [1828, 2653],
      [45_904, 58_979],
    ] as const;
    expect(await pingPong(call, sizes)).toEqual(sizes.map(([, response]) => response));
    call.end();
    expect((await ended)[0]).toMatchObject({ code: grpc.status.OK });
  });

  it('empty_stream', async () => {
    const { client } = await connect();
    const call = client.FullDuplexCall();
    call.end();
    const { messages, status } = await collect(call as grpc.ClientDuplexStream<never, OutputResponse>);
    expect([messages, status.code]).toEqual([[], grpc.status.OK]);
  });

  it('timeout_on_sleeping_server', async () => {
    const { client } = await connect();
    const call = client.FullDuplexCall(new grpc.Metadata(), { deadline: Date.now() + 1 });
    call.write({ payload: payload(27_182) });
    const { error } = await collect(call as grpc.ClientDuplexStream<never, OutputResponse>);
    expect(error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
  });

  it('cancel_after_begin', async () => {
    const { client } = await connect();
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.StreamingInputCall(new grpc.Metadata(), {}, resolve).cancel();
    });
    expect(error).toMatchObject({ code: grpc.status.CANCELLED, details: 'Cancelled on client' });
  });

  it('cancel_after_first_response', async () => {
    const { client, server } = await connect();
    const call = client.FullDuplexCall();
    const result = collect(call as unknown as grpc.ClientDuplexStream<never, OutputResponse>);
    await pingPong(call, [[27_182, 31_415]]);
    call.cancel();
    expect((await result).error?.code).toBe(grpc.status.CANCELLED);
    await server.untilCancelled(1);
  });

  it('custom_metadata', async () => {
    const { client } = await connect();
    const sent = { [echoInitialKey]: 'test_initial_metadata_value', [echoTrailingKey]: Buffer.from('ababab', 'hex') };
    const { metadata, status } = await unary(client, { response_size: 314_159 }, { metadata: sent });
    expect(metadata?.get(echoInitialKey)).toEqual(['test_initial_metadata_value']);
    expect(status.metadata.get(echoTrailingKey)).toEqual([Buffer.from('ababab', 'hex')]);
    const stream = client.FullDuplexCall(metadataOf(sent));
    const headers = once(stream, 'metadata');
    const result = collect(stream as unknown as grpc.ClientDuplexStream<never, OutputResponse>);
    stream.write({ response_parameters: [{ size: 314_159 }], payload: payload(271_828) });
    stream.end();
    expect(((await headers)[0] as grpc.Metadata).get(echoInitialKey)).toEqual(['test_initial_metadata_value']);
    expect((await result).status.metadata.get(echoTrailingKey)).toEqual([Buffer.from('ababab', 'hex')]);
  });

  it('status_code_and_message', async () => {
    const { client } = await connect();
    await expectStatus(client, { code: grpc.status.UNKNOWN, message: 'test status message' });
  });

  it('special_status_message', async () => {
    const { client } = await connect();
    const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
    await expectStatus(client, { code: grpc.status.UNKNOWN, message });
  });

  it('unimplemented_method', async () => {
    const { client } = await connect();
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.UnimplementedCall({}, new grpc.Metadata(), {}, resolve);
    });
    expect(error?.code).toBe(grpc.status.UNIMPLEMENTED);
  });
});

async function expectStatus(client: TestClient, status: { code: number; message: string }): Promise<void> {
  const expected = { code: status.code, details: status.message };
  expect((await unary(client, { response_status: status })).error).toMatchObject(expected);
  const call = client.FullDuplexCall();
  call.write({ response_status: status });
  call.end();
  expect((await collect(call as unknown as grpc.ClientDuplexStream<never, OutputResponse>)).error).toMatchObject(
    expected,
  );
}
