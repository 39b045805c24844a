import { once } from 'node:events';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { Server as GrpcServer } from '@grpc/grpc-js';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from '../logger.js';
import { formatAddress, listen, type PortChoice } from '../port.js';

export type HandshakeProblem = 'handshake' | 'client_certificate';

export interface TlsListener {
  /** `host:port` */
  readonly address: string;
  /** For connections from now on. */
  use(context: SecureContextOptions): void;
  close(): Promise<void>;
}

const messages: Readonly<Record<HandshakeProblem, string>> = {
  handshake: 'a connection to the config server is refused',
  client_certificate: 'the certificate of a caller is not trusted',
};

/** Who does not finish a handshake holds a socket. */
const handshakeTimeoutMs = 10_000;

/**
 * TLS in front of a gRPC server. A certificate is asked for and not demanded, since who has none yet comes with a token; one
 * that is given and does not verify counts for nothing, so that its token can still speak for a caller.
 */
export async function openTlsListener(
  grpc: GrpcServer,
  at: PortChoice,
  options: { logger: Logger; countProblem: (problem: HandshakeProblem) => void; context: SecureContextOptions },
): Promise<TlsListener> {
  const { logger, countProblem, context } = options;
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const server = createServer({
    ...context,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeTimeoutMs,
  });
  hideKey(server);
  const sockets = new Set<TLSSocket>();
  const report = (problem: HandshakeProblem, reason: string, socket: TLSSocket) => {
    countProblem(problem);
    const peer = formatAddress(socket.remoteAddress ?? '', socket.remotePort ?? 0);
    logger.warn(messages[problem], { problem, reason, peer });
  };
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    report('handshake', error.code ?? error.message, socket);
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    // Without a certificate this is an error too. grpc-js shows nobody a certificate that is not authorized.
    if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) {
      report('client_certificate', String(socket.authorizationError), socket);
    }
    injector.injectConnection(socket);
  });
  const port = await listen(server, at);
  return {
    address: formatAddress(at.host, port),
    use: (next) => {
      server.setSecureContext({ ...next, minVersion: 'TLSv1.2' });
      hideKey(server);
    },
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Node keeps the PEM of the key beside what it has made of it, in reach of whoever prints a socket. */
function hideKey(server: Server): void {
  for (const name of ['key', 'cert']) Reflect.deleteProperty(server, name);
}
