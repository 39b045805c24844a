import { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { MeshInternals } from '../../mesh-internals.js';
import { guardUpgrades } from '../guard-upgrades.js';
import { Admission } from './admit.js';
import { probeServer } from './probes.js';
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
  const probes = probePaths.length === 0 ? undefined : probeServer(probePaths, refusals, server);
  const onConnection = (socket: Socket) => {
    waiting.remove(socket);
    for (const take of takers) take.call(server, socket);
  };
  const onPlaintext = (socket: Socket) => {
    waiting.remove(socket);
    probes?.emit('connection', socket);
  };
  const admission = new Admission(
    internals,
    refusals,
    { onConnection, onPlaintext: probes && onPlaintext, onWaiting: (socket) => waiting.add(socket) },
    ['http/1.1'],
  );
  server.on('connection', (socket) => admission.admit(socket, server.headersTimeout || defaultFirstByteMs));
  // A second listener costs every request a copy of the list, so there is none before it is needed.
  admission.tls.onOutdated = () => {
    admission.tls.onOutdated = undefined;
    server.prependListener('request', (req, res) => {
      if (admission.tls.isOutdated(req.socket)) res.setHeader('connection', 'close');
    });
  };
  server.on('close', () => admission.tls.close());
  endTogether(server, waiting);
  guardUpgrades(internals, server);
  return server;
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
