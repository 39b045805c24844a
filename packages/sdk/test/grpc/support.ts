import { connect, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach } from 'vitest';
import { type StaticMesh, staticMesh } from '../support/static-mesh.js';
import { tcpServer } from '../support/test-server.js';
import { type GrpcTestServer, grpcServer } from './interop-server.js';
import { type SimpleRequest, type SimpleResponse, type TestClient, TestService } from './interop-service.js';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Closed after the test, the newest first. */
export function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

export async function startServer(options?: Parameters<typeof grpcServer>[0]): Promise<GrpcTestServer> {
  return keep(await grpcServer(options));
}

export function startMesh(
  servers: readonly { readonly port: number }[],
  options?: Parameters<typeof staticMesh>[1],
): StaticMesh {
  return keep(
    staticMesh(
      servers.map(({ port }) => port),
      options,
    ),
  );
}

export function clientOf(mesh: StaticMesh, options?: Parameters<StaticMesh['grpc']['client']>[2]): TestClient {
  return keep(mesh.grpc.client(TestService, 'reviews:80', options));
}

export interface UnaryResult {
  readonly error: grpc.ServiceError | null;
  readonly response: SimpleResponse | undefined;
  readonly metadata: grpc.Metadata | undefined;
  readonly status: grpc.StatusObject;
}

export function metadataOf(entries: Readonly<Record<string, string | Buffer>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.add(name, value);
  return metadata;
}

/** A unary call to its very end, whatever that is. */
export function unary(
  client: TestClient,
  request: SimpleRequest = {},
  { metadata = {}, ...options }: grpc.CallOptions & { metadata?: Readonly<Record<string, string | Buffer>> } = {},
): Promise<UnaryResult> {
  return new Promise((resolve) => {
    let headers: grpc.Metadata | undefined;
    let outcome: Pick<UnaryResult, 'error' | 'response'> = { error: null, response: undefined };
    const call = client.UnaryCall(request, metadataOf(metadata), options, (error, response) => {
      outcome = { error, response };
    });
    call.on('metadata', (received: grpc.Metadata) => {
      headers = received;
    });
    call.on('status', (status: grpc.StatusObject) => resolve({ ...outcome, metadata: headers, status }));
  });
}

/** What a stream gives to its end. */
export function collect<T>(stream: grpc.ClientReadableStream<T> | grpc.ClientDuplexStream<never, T>): Promise<{
  messages: T[];
  error: grpc.ServiceError | undefined;
  status: grpc.StatusObject;
}> {
  return new Promise((resolve) => {
    const messages: T[] = [];
    let error: grpc.ServiceError | undefined;
    stream.on('data', (message: T) => messages.push(message));
    stream.on('error', (reason: grpc.ServiceError) => {
      error = reason;
    });
    stream.on('status', (status: grpc.StatusObject) =>
      // A failed stream tells its status before its error has been thrown.
      setImmediate(() => resolve({ messages, error, status })),
    );
  });
}

export interface Wire {
  readonly port: number;
  /** How many were made. */
  readonly connections: number;
  /** How many are up. */
  readonly open: number;
  cut(): void;
  /** Nothing goes through any more, and nobody is told. */
  freeze(): void;
}

/** A way to a server that can be cut off, as by a crash of its machine. */
export async function startWire({ port }: { readonly port: number }): Promise<Wire> {
  let connections = 0;
  const onwards: Socket[] = [];
  const wire = keep(
    await tcpServer((socket) => {
      connections += 1;
      const onward = connect(port, '127.0.0.1');
      onwards.push(onward);
      socket.setNoDelay(true);
      onward.setNoDelay(true);
      onward.on('error', () => socket.destroy());
      onward.on('close', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.on('data', (data) => onward.write(data));
      onward.on('data', (data) => socket.write(data));
    }),
  );
  return {
    port: wire.port,
    get connections() {
      return connections;
    },
    get open() {
      return wire.sockets.size;
    },
    cut() {
      for (const socket of wire.sockets) socket.resetAndDestroy();
    },
    freeze() {
      for (const socket of onwards) socket.pause();
      for (const socket of wire.sockets) socket.pause();
    },
  };
}
