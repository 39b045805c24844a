import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import type { ConnectionInjector, Server } from '@grpc/grpc-js';
import { MeshError, splitAuthority } from '@inmesh/core';
import type { MeshInternals } from '../../mesh-internals.js';
import { rememberVerifiedByEnds, verifiedConnection } from '../../server/inbound-connection.js';
import { Admission } from '../../server/tls/admit.js';
import { drainMs } from '../../server/tls/inbound-tls.js';
import { Refusals } from '../../server/tls/refusals.js';
import { WaitingSockets } from '../../server/tls/waiting-sockets.js';
import type { GrpcJs } from '../grpc-js.js';
import { GrpcProbes } from './grpc-probes.js';
import type { GrpcHealth } from './health.js';

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
  health: () => GrpcHealth | undefined,
): Promise<number> {
  const { host, port } = splitAuthority(address);
  if (!/^\d+$/.test(port)) throw wrongAddress(address);
  const insecure = ServerCredentials.createInsecure();
  const plaintext = server.createConnectionInjector(insecure);
  const ofPeers = new WeakMap<Socket, ConnectionInjector>();
  const waiting = new WaitingSockets();
  const onWaiting = (socket: Socket) => waiting.add(socket);
  const onConnection = (socket: Socket) => {
    waiting.remove(socket);
    rememberVerifiedByEnds(socket);
    if (verifiedConnection(socket) === undefined) {
      plaintext.injectConnection(socket);
      return;
    }
    // One for each, as GOAWAY is said to all connections of an injector.
    const injector = server.createConnectionInjector(insecure);
    ofPeers.set(socket, injector);
    socket.once('close', () => injector.destroy());
    injector.injectConnection(socket);
  };
  const refusals = new Refusals(internals);
  const probes = internals.takesGrpcProbes === true ? new GrpcProbes(health, refusals, internals.clock) : undefined;
  const onPlaintext = (socket: Socket) => {
    waiting.remove(socket);
    probes?.take(socket);
  };
  const admitted = { onConnection, onPlaintext: probes && onPlaintext, onWaiting };
  const admission = new Admission(internals, refusals, admitted, ['h2']);
  admission.tls.onOutdated = (socket) => ofPeers.get(socket)?.drain(drainMs);
  const front = createServer({ noDelay: true }, (socket) => admission.admit(socket, firstByteMs));
  front.on('close', () => admission.close());
  closeWith(server, front, waiting, probes);
  front.listen(Number(port), host.replace(/^\[|\]$/g, ''));
  await once(front, 'listening');
  return (front.address() as AddressInfo).port;
}

/** grpc-js knows nothing of who listens for it. */
function closeWith(server: Server, front: NetServer, waiting: WaitingSockets, probes: GrpcProbes | undefined): void {
  const close = () => {
    front.close();
    waiting.destroy();
    probes?.close();
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
