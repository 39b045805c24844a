import type { ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/**
 * Cuts what is left of a server, so that its clients see UNAVAILABLE, as of a gRPC server that went away. Alone, grpc-js's
 * own `forceShutdown` says CANCEL on each connection, and clients take it for their own cancellation. It has no public way to
 * its connections: a version that keeps them elsewhere falls back to that.
 */
export function forceShutdown(server: Server): void {
  const sessions: unknown = Reflect.get(server, 'sessions');
  if (sessions instanceof Map) {
    for (const session of sessions.keys()) (session as Partial<ServerHttp2Session>).destroy?.();
  }
  server.forceShutdown();
}
