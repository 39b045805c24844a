import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Server } from '@grpc/grpc-js';
import { MeshError, splitAuthority } from '@inmesh/core';
import type { MeshInternals } from '../../mesh-internals.js';
import { rememberVerifiedByEnds } from '../../server/inbound-connection.js';
import { Admission } from '../../server/tls/admit.js';
import { Refusals } from '../../server/tls/refusals.js';
import { WaitingSockets } from '../../server/tls/waiting-sockets.js';
import type { GrpcJs } from '../grpc-js.js';

const firstByteMs = 20_000;

/**
 * Listens for a grpc-js server, and gives it the connections that the policies of the port take. grpc-js itself has either
 * TLS or plain text on a port, and believes every certificate that some authority has signed.
 */
export async function bindServer(
  internals: MeshInternals,
  { ServerCredentials }: GrpcJs,
  server: Server,
  address: string,
): Promise<number> {
  const { host, port } = splitAuthority(address);
  if (!/^\d+$/.test(port)) throw wrongAddress(address);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const waiting = new WaitingSockets();
  const onWaiting = (socket: Socket) => waiting.add(socket);
  const onConnection = (socket: Socket) => {
    waiting.remove(socket);
    rememberVerifiedByEnds(socket);
    injector.injectConnection(socket);
  };
  const admission = new Admission(internals, new Refusals(internals), { onConnection, onWaiting }, ['h2']);
  const front = createServer({ noDelay: true }, (socket) => admission.admit(socket, firstByteMs));
  front.on('close', () => admission.tls.close());
  closeWith(server, front, waiting);
  front.listen(Number(port), host.replace(/^\[|\]$/g, ''));
  await once(front, 'listening');
  return (front.address() as AddressInfo).port;
}

/** grpc-js knows nothing of who listens for it. */
function closeWith(server: Server, front: NetServer, waiting: WaitingSockets): void {
  const close = () => {
    front.close();
    waiting.destroy();
  };
  const tryShutdown = server.tryShutdown.bind(server);
  const forceShutdown = server.forceShutdown.bind(server);
  server.tryShutdown = (callback) => {
    close();
    tryShutdown(callback);
  };
  server.forceShutdown = () => {
    close();
    forceShutdown();
  };
}

function wrongAddress(address: string): MeshError {
  return new MeshError('invalid_request', {
    message: `bind: ${JSON.stringify(address)} is not an address such as 0.0.0.0:8080`,
  });
}
