import { Server, ServerCredentials } from '@grpc/grpc-js';

export interface RunningServer {
  readonly address: string;
  /** Cuts all connections at once. */
  kill(): void;
}

/** A gRPC server on a port of its own, or on the one given. */
export async function startGrpcServer(
  add: (server: Server) => void,
  port = 0,
  credentials = ServerCredentials.createInsecure(),
): Promise<RunningServer> {
  const server = new Server();
  add(server);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, actual) => {
      if (error === null) resolve(actual);
      else reject(error);
    });
  });
  return { address: `127.0.0.1:${bound}`, kill: () => server.forceShutdown() };
}
