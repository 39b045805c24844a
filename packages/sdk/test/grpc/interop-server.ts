import { EventEmitter, once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import {
  type EchoStatus,
  type OutputRequest,
  type OutputResponse,
  type Payload,
  payload,
  type SimpleRequest,
  type SimpleResponse,
  testServiceMethods,
} from './interop-service.js';

export interface GrpcTestServer {
  readonly port: number;
  readonly name: string;
  /** Calls that were begun, and of which kind. */
  readonly seen: string[];
  readonly metadata: grpc.Metadata[];
  /** Settles when so many calls were cancelled, or lost their client. */
  untilCancelled(count: number): Promise<void>;
  /** Settles when so many calls were begun. */
  untilSeen(count: number): Promise<void>;
  readonly server: grpc.Server;
  /** Lets calls under way end. */
  shutdown(): Promise<void>;
  close(): Promise<void>;
}

/** Answers with a status, or with none for the usual answer. */
export type UnaryHandler = (
  call: grpc.ServerUnaryCall<SimpleRequest, SimpleResponse>,
  seenBefore: number,
) => Promise<Partial<grpc.StatusObject> | undefined>;

/** The server of grpc's interop tests; it says who it is in `username`. `unary` takes the place of its unary handler. */
export async function grpcServer({
  name = 'a',
  host = '127.0.0.1',
  port = 0,
  unary,
  output,
  input,
  credentials = grpc.ServerCredentials.createInsecure(),
  options = {},
}: {
  name?: string;
  host?: string;
  port?: number;
  unary?: UnaryHandler;
  /** In the place of the usual answer to StreamingOutputCall. */
  output?: (call: grpc.ServerWritableStream<OutputRequest, OutputResponse>) => void;
  /** In the place of the usual answer to StreamingInputCall. */
  input?: () => void;
  credentials?: grpc.ServerCredentials;
  options?: grpc.ServerOptions;
} = {}): Promise<GrpcTestServer> {
  const server = new grpc.Server(options);
  const seen: string[] = [];
  const metadata: grpc.Metadata[] = [];
  const events = new EventEmitter();
  let cancelled = 0;
  const begun = (kind: string, call: { readonly metadata: grpc.Metadata } & Cancellable) => {
    seen.push(kind);
    metadata.push(call.metadata);
    events.emit('seen');
    call.on('cancelled', () => {
      cancelled += 1;
      events.emit('cancelled');
    });
    echoInitial(call as unknown as Parameters<typeof echoInitial>[0]);
  };
  server.addService(testServiceMethods, {
    EmptyCall(call: grpc.ServerUnaryCall<object, object>, callback: grpc.sendUnaryData<object>) {
      begun('EmptyCall', call);
      callback(null, {}, echoTrailing(call.metadata));
    },
    UnaryCall(call: grpc.ServerUnaryCall<SimpleRequest, SimpleResponse>, callback: grpc.sendUnaryData<SimpleResponse>) {
      const before = seen.length;
      begun('UnaryCall', call);
      const trailer = echoTrailing(call.metadata);
      const { response_status: status, response_size: size = 0 } = call.request;
      const answer = { payload: payload(size), username: name };
      if (isError(status)) callback({ ...toError(status), metadata: trailer });
      else if (unary === undefined) callback(null, answer, trailer);
      else void unary(call, before).then((error) => (error ? callback(error) : callback(null, answer, trailer)));
    },
    StreamingOutputCall(call: grpc.ServerWritableStream<OutputRequest, OutputResponse>) {
      begun('StreamingOutputCall', call);
      if (output !== undefined) {
        output(call);
        return;
      }
      for (const { size } of call.request.response_parameters ?? []) call.write({ payload: payload(size) });
      call.end(echoTrailing(call.metadata));
    },
    StreamingInputCall(
      call: grpc.ServerReadableStream<{ payload: Payload }, { aggregated_payload_size: number }>,
      callback: grpc.sendUnaryData<{ aggregated_payload_size: number }>,
    ) {
      begun('StreamingInputCall', call);
      if (input !== undefined) {
        input();
        return;
      }
      let total = 0;
      call.on('data', (message) => {
        total += message.payload.body.length;
      });
      call.on('end', () => callback(null, { aggregated_payload_size: total }, echoTrailing(call.metadata)));
    },
    FullDuplexCall(call: grpc.ServerDuplexStream<OutputRequest, OutputResponse>) {
      begun('FullDuplexCall', call);
      call.on('data', (message: OutputRequest) => {
        if (isError(message.response_status)) {
          call.emit('error', { ...toError(message.response_status), metadata: echoTrailing(call.metadata) });
          return;
        }
        for (const { size } of message.response_parameters ?? []) call.write({ payload: payload(size) });
      });
      call.on('end', () => call.end(echoTrailing(call.metadata)));
    },
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, at) => (error === null ? resolve(at) : reject(error)));
  });
  return {
    ...{ port: bound, name, seen, metadata, server },
    async untilCancelled(count) {
      while (cancelled < count) await once(events, 'cancelled');
    },
    async untilSeen(count) {
      while (seen.length < count) await once(events, 'seen');
    },
    shutdown: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    close: async () => server.forceShutdown(),
  };
}

interface Cancellable {
  on(event: 'cancelled', listener: () => void): unknown;
}

export const echoInitialKey = 'x-grpc-test-echo-initial';
export const echoTrailingKey = 'x-grpc-test-echo-trailing-bin';

function echoInitial(call: { readonly metadata: grpc.Metadata; sendMetadata(metadata: grpc.Metadata): void }): void {
  const values = call.metadata.get(echoInitialKey);
  if (values.length === 0) return;
  const metadata = new grpc.Metadata();
  metadata.add(echoInitialKey, values[0]!);
  call.sendMetadata(metadata);
}

function echoTrailing(received: grpc.Metadata): grpc.Metadata {
  const metadata = new grpc.Metadata();
  const values = received.get(echoTrailingKey);
  if (values.length > 0) metadata.add(echoTrailingKey, values[0]!);
  return metadata;
}

function isError(status: EchoStatus | null | undefined): status is EchoStatus {
  return status !== null && status !== undefined && status.code !== 0;
}

function toError({ code, message }: EchoStatus): { code: number; details: string } {
  return { code, details: message };
}
