import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import {
  type OutputRequest,
  type OutputResponse,
  type Payload,
  type SimpleRequest,
  type SimpleResponse,
  type TestClient,
  testServiceMethods,
} from './interop-service.js';
import { keep, metadataOf } from './support.js';

export interface InputMessage {
  readonly payload: Payload;
}
export interface InputSum {
  readonly aggregated_payload_size: number;
}

export interface Handlers {
  readonly UnaryCall?: grpc.handleUnaryCall<SimpleRequest, SimpleResponse>;
  readonly StreamingInputCall?: grpc.handleClientStreamingCall<InputMessage, InputSum>;
  readonly StreamingOutputCall?: grpc.handleServerStreamingCall<OutputRequest, OutputResponse>;
  readonly FullDuplexCall?: grpc.handleBidiStreamingCall<OutputRequest, OutputResponse>;
}

export interface Served {
  readonly port: number;
  readonly server: grpc.Server;
  close(): void;
}

/** A server of these handlers; grpc-js answers the other methods UNIMPLEMENTED. */
export async function serve(handlers: Handlers, options: grpc.ServerOptions = {}): Promise<Served> {
  const server = new grpc.Server(options);
  server.addService(testServiceMethods, handlers as grpc.UntypedServiceImplementation);
  return keep(await listen(server));
}

export async function listen(server: grpc.Server): Promise<Served> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, server, close: () => server.forceShutdown() };
}

/** A method of each kind. */
export const kinds = ['UnaryCall', 'StreamingInputCall', 'StreamingOutputCall', 'FullDuplexCall'] as const;
export type Kind = (typeof kinds)[number];

export type AnyServerCall = grpc.ServerUnaryCall<unknown, unknown> & { end?: (metadata?: grpc.Metadata) => void };
/** Answers a call of any kind with nothing but its status. */
export type Answer = (status: Partial<grpc.StatusObject>) => void;

/** One handler for calls of every kind; `answer` ends the call. */
export function handlersOfAllKinds(handle: (call: AnyServerCall, answer: Answer) => void): Handlers {
  const withCallback =
    (value: unknown) =>
    (call: unknown, callback: (error: Partial<grpc.StatusObject> | null, value?: never) => void) => {
      const answer: Answer = (status) => ((status.code ?? 0) === 0 ? callback(null, value as never) : callback(status));
      handle(call as AnyServerCall, answer);
    };
  const withStream = (call: unknown) => {
    const stream = call as grpc.ServerDuplexStream<unknown, unknown>;
    const answer: Answer = (status) => {
      if ((status.code ?? 0) === 0) stream.end();
      else stream.emit('error', status);
    };
    handle(call as AnyServerCall, answer);
  };
  return {
    UnaryCall: withCallback({}),
    StreamingInputCall: withCallback({}),
    StreamingOutputCall: withStream,
    FullDuplexCall: withStream,
  } as unknown as Handlers;
}

export interface Begun {
  /** What the call ended with. */
  readonly ended: Promise<grpc.StatusObject>;
  cancel(): void;
}

/** A call of any kind; a client's stream is ended at once. */
export function begin(
  client: TestClient,
  kind: Kind,
  { metadata = {}, ...options }: grpc.CallOptions & { metadata?: Readonly<Record<string, string>> } = {},
): Begun {
  const call = callOf(client, kind, metadataOf(metadata), options);
  call.on('error', () => {}); // its status says the same
  const ended = new Promise<grpc.StatusObject>((resolve) => call.on('status', resolve));
  return { ended, cancel: () => call.cancel() };
}

function callOf(client: TestClient, kind: Kind, metadata: grpc.Metadata, options: grpc.CallOptions) {
  switch (kind) {
    case 'UnaryCall':
      return client.UnaryCall({}, metadata, options, () => {});
    case 'StreamingInputCall': {
      const call = client.StreamingInputCall(metadata, options, () => {});
      call.end();
      return call;
    }
    case 'StreamingOutputCall':
      return client.StreamingOutputCall({}, metadata, options).resume();
    case 'FullDuplexCall': {
      const call = client.FullDuplexCall(metadata, options);
      call.end();
      return call.resume();
    }
  }
}

/** A unary call by HTTP/2 alone, of a client that does not watch its own deadline. */
export function rawCall(port: number, grpcTimeout: string): { session: ClientHttp2Session; stream: ClientHttp2Stream } {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.testing.TestService/UnaryCall',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': grpcTimeout,
  });
  stream.end(Buffer.alloc(5)); // a message without any field
  return { session, stream };
}

/** A promise and what settles it. */
export function gate<T = void>(): { readonly passed: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void;
  const passed = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** Looks again at every turn; the test's own time limit is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
