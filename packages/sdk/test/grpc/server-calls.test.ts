import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { echoInitialKey, echoTrailingKey } from './interop-server.js';
import { type OutputResponse, payload } from './interop-service.js';
import { begin, gate, handlersOfAllKinds, kinds, serve } from './server-support.js';
import { clientOf, collect, startMesh, startServer, unary } from './support.js';

/** The interceptor of a mesh that knows no other service. */
function interceptor(): grpc.ServerInterceptor {
  return startMesh([]).grpc.serverInterceptor();
}

async function connect(options: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer({ ...options, options: { interceptors: [interceptor()], ...options.options } });
  return { server, client: clientOf(startMesh([server])) };
}

describe('through the server interceptor', () => {
  it('unary calls pass with their metadata and trailers', async () => {
    const { client } = await connect();
    const trailing = Buffer.from([0xab, 0, 0xff]);
    const { response, metadata, status } = await unary(
      client,
      { response_size: 5 },
      { metadata: { [echoInitialKey]: 'hello', [echoTrailingKey]: trailing } },
    );
    expect(response!.payload!.body).toHaveLength(5);
    expect(metadata!.get(echoInitialKey)).toEqual(['hello']);
    expect(status.metadata.get(echoTrailingKey)).toEqual([trailing]);
  });

  it('messages of megabytes pass both ways, compressed or not', async () => {
    const { server } = await connect();
    const body = Buffer.alloc(3_000_000, 'abc');
    for (const algorithm of [grpc.compressionAlgorithms.identity, grpc.compressionAlgorithms.gzip]) {
      const client = clientOf(startMesh([server]), { 'grpc.default_compression_algorithm': algorithm });
      const { response, error } = await unary(client, { response_size: 3_000_000, payload: { body } });
      expect([error, response?.payload?.body.length]).toEqual([null, 3_000_000]);
    }
  });

  it('a client’s stream is summed up', async () => {
    const { client } = await connect();
    const total = await new Promise((resolve) => {
      const call = client.StreamingInputCall(new grpc.Metadata(), {}, (_error, sum) => resolve(sum));
      for (const size of [27_182, 8, 1828, 45_904]) call.write({ payload: payload(size) });
      call.end();
    });
    expect(total).toEqual({ aggregated_payload_size: 74_922 });
  });

  it('a server’s stream keeps its order', async () => {
    const { client } = await connect();
    const sizes = Array.from({ length: 200 }, (_, i) => i * 37);
    const stream = client.StreamingOutputCall({ response_parameters: sizes.map((size) => ({ size })) });
    const { messages, status } = await collect(stream);
    expect(messages.map((message) => message.payload.body.length)).toEqual(sizes);
    expect(status.code).toBe(grpc.status.OK);
  });

  it('messages go to and fro', async () => {
    const { client } = await connect();
    const call = client.FullDuplexCall();
    const received: number[] = [];
    for (const size of [31_415, 9, 2653]) {
      call.write({ response_parameters: [{ size }], payload: payload(10) });
      const [message] = (await once(call, 'data')) as [OutputResponse];
      received.push(message.payload.body.length);
    }
    call.end();
    call.resume();
    const [status] = (await once(call, 'status')) as [grpc.StatusObject];
    expect([received, status.code]).toEqual([[31_415, 9, 2653], grpc.status.OK]);
  });

  it('a slow reader holds the handler back, and sees every message in the end', async () => {
    let written = 0;
    const count = 300;
    const full = gate();
    const { client } = await connect({
      output: (call) => {
        const more = () => {
          while (written < count) {
            written += 1;
            if (!call.write({ payload: payload(50_000) })) {
              full.open();
              call.once('drain', more);
              return;
            }
          }
          call.end();
        };
        more();
      },
    });
    const stream = client.StreamingOutputCall({});
    await full.passed;
    for (let i = 0; i < 5; i += 1) await unary(client);
    expect(written).toBeLessThan(count / 2);
    expect((await collect(stream)).messages).toHaveLength(count);
  });

  it('a handler that does not read holds its client back', async () => {
    const reading = gate();
    const server = await serve(
      {
        StreamingInputCall: (call, callback) => {
          let size = 0;
          void reading.passed.then(() => {
            call.on('data', (message) => {
              size += message.payload.body.length;
            });
          });
          call.on('end', () => callback(null, { aggregated_payload_size: size }));
        },
        UnaryCall: (_call, callback) => callback(null, { payload: null, username: '' }),
      },
      { interceptors: [interceptor()] },
    );
    const client = clientOf(startMesh([server]));
    const count = 200;
    let sent = 0;
    const sum = gate<unknown>();
    const call = client.StreamingInputCall(new grpc.Metadata(), {}, (_error, value) => sum.open(value));
    for (let i = 0; i < count; i += 1)
      call.write({ payload: payload(50_000) }, () => {
        sent += 1;
      });
    call.end();
    for (let i = 0; i < 5; i += 1) await unary(client);
    expect(sent).toBeLessThan(count / 2);
    reading.open();
    expect(await sum.passed).toEqual({ aggregated_payload_size: count * 50_000 });
  });

  it.each(kinds)('an error that the handler of a %s answers with passes as it is', async (kind) => {
    const metadata = new grpc.Metadata();
    metadata.set('retry-hint', 'never');
    const server = await serve(
      handlersOfAllKinds((_call, answer) => answer({ code: 9, details: 'not now: ü%', metadata })),
      { interceptors: [interceptor()] },
    );
    const status = await begin(clientOf(startMesh([server])), kind).ended;
    expect(status).toMatchObject({ code: 9, details: 'not now: ü%' });
    expect(status.metadata.get('retry-hint')).toEqual(['never']);
    expect(status.metadata.get('x-inmesh-reason')).toEqual([]);
  });

  it.each(kinds)('an error that the handler of a %s throws is answered by grpc-js as ever', async (kind) => {
    const handlers = handlersOfAllKinds(() => {
      throw new Error('secret');
    });
    const statuses = await Promise.all(
      [[], [interceptor()]].map(async (interceptors) => {
        const server = await serve(handlers, { interceptors });
        const { code, details } = await begin(clientOf(startMesh([server])), kind).ended;
        return { code, details };
      }),
    );
    expect(statuses[0]).toEqual({ code: grpc.status.UNKNOWN, details: 'Unknown error' });
    expect(statuses[1]).toEqual(statuses[0]);
  });

  it('a method without a handler is UNIMPLEMENTED', async () => {
    const { client } = await connect();
    const error = await new Promise<grpc.ServiceError | null>((resolve) =>
      client.UnimplementedCall({}, new grpc.Metadata(), {}, resolve),
    );
    expect(error?.code).toBe(grpc.status.UNIMPLEMENTED);
  });

  it('a message above the server’s limit is refused as by grpc-js', async () => {
    const { client, server } = await connect({ options: { 'grpc.max_receive_message_length': 100 } });
    const { error } = await unary(client, { payload: payload(200) });
    expect(error).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
    expect(error!.details).toContain('larger than max');
    expect(server.seen).toEqual([]);
  });

  it.each([
    ['before', (mesh: grpc.ServerInterceptor, other: grpc.ServerInterceptor) => [other, mesh]],
    ['behind', (mesh: grpc.ServerInterceptor, other: grpc.ServerInterceptor) => [mesh, other]],
    [
      'before and behind another of the mesh',
      (mesh: grpc.ServerInterceptor, other: grpc.ServerInterceptor) => [mesh, other, mesh],
    ],
  ])('another interceptor %s it sees and changes what it likes', async (_place, order) => {
    const slow: grpc.ServerInterceptor = (_method, call) =>
      new grpc.ServerInterceptingCall(call, {
        start: (next) =>
          next({
            onReceiveMetadata: (metadata, pass) => {
              metadata.set(echoInitialKey, 'changed');
              setImmediate(() => pass(metadata));
            },
            onReceiveMessage: (message, pass) => void setImmediate(() => pass(message)),
          }),
        sendStatus: (status, pass) => {
          status.metadata ??= new grpc.Metadata();
          status.metadata.set('signed', 'yes');
          pass(status);
        },
      });
    const { client, server } = await connect({ options: { interceptors: order(interceptor(), slow) } });
    const { metadata, status } = await unary(client);
    expect(metadata!.get(echoInitialKey)).toEqual(['changed']);
    expect(status.metadata.get('signed')).toEqual(['yes']);
    for (const kind of kinds) expect((await begin(client, kind).ended).code).toBe(grpc.status.OK);
    expect(server.seen).toHaveLength(5);
  });
});
