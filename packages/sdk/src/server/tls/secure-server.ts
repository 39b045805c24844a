import { type IncomingMessage, Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { MeshInternals } from '../../mesh-internals.js';
import { type Gate, guardEvents } from '../guard-events.js';
import { verifiedConnection } from '../inbound-connection.js';
import { Admission } from './admit.js';
import type { InboundTls } from './inbound-tls.js';
import { LatestRequests } from './latest-requests.js';
import { portMode } from './port-mode.js';
import { Probes } from './probes.js';
import { Refusals } from './refusals.js';
import { WaitingSockets } from './waiting-sockets.js';

/** Node's own default for `headersTimeout`, where it was turned off. */
const defaultFirstByteMs = 60_000;

/**
 * Puts the mesh's TLS before a server of `node:http`: each connection is taken, or refused, as the policies of its port say
 * when it begins. HTTP and its keep-alive are the server's own affair, in plain text and behind TLS.
 */
export function secureServer<S extends Server>(internals: MeshInternals, server: S): S {
  const takers = server.listeners('connection');
  server.removeAllListeners('connection');
  const refusals = new Refusals(internals);
  const waiting = new WaitingSockets();
  const { probePaths = [] } = internals;
  const isAwaited = (port: number) => portMode(internals, port) === 'awaited';
  const probes = probePaths.length === 0 ? undefined : new Probes(probePaths, refusals, isAwaited);
  const onConnection = (socket: Socket) => {
    waiting.remove(socket);
    for (const take of takers) take.call(server, socket);
  };
  const onPlaintext = (socket: Socket) => {
    probes?.take(socket);
    onConnection(socket);
  };
  const admission = new Admission(
    internals,
    refusals,
    { onConnection, onPlaintext: probes && onPlaintext, onWaiting: (socket) => waiting.add(socket) },
    ['http/1.1'],
  );
  server.on('connection', (socket) => admission.admit(socket, server.headersTimeout || defaultFirstByteMs));
  server.on('close', () => admission.close());
  endTogether(server, waiting);
  if (probes !== undefined) expectNothing(server);
  const latest = new LatestRequests();
  admission.tls.onOutdated = (socket) => latest.endAfter(socket);
  guardEvents(internals, server, gateOf(admission.tls, latest, probes));
  return server;
}

function gateOf(tls: InboundTls, latest: LatestRequests, probes: Probes | undefined): Gate {
  return (req, to) => {
    const { socket } = req;
    if (tls.isOutdated(socket)) {
      latest.endAfter(socket);
      return false;
    }
    if (verifiedConnection(socket) !== undefined) latest.set(socket, to);
    return probes === undefined || probes.mayPass(req, to);
  };
}

/** Node answers an `expect` that nobody listens for by itself, and would leave the connection of a probe open. */
function expectNothing(server: Server): void {
  server.on('checkExpectation', (_req: IncomingMessage, res: ServerResponse) => {
    if (server.listenerCount('checkExpectation') === 1) res.writeHead(417).end();
  });
}

/** `close()` of a server calls the first of the two. */
function endTogether(server: Server, waiting: WaitingSockets): void {
  const { closeIdleConnections, closeAllConnections } = Server.prototype;
  server.closeIdleConnections = () => {
    closeIdleConnections.call(server);
    waiting.destroy();
  };
  server.closeAllConnections = () => {
    closeAllConnections.call(server);
    waiting.destroy();
  };
}
