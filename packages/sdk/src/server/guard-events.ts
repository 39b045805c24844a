import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { inbound, LocalReply, type Reply } from '@inmesh/core';
import type { MeshInternals } from '../mesh-internals.js';
import { answerError, answerInternalError } from './answer-error.js';
import { removeForgedClientCert } from './forwarded-client-cert.js';
import { InboundRequest } from './inbound-request.js';
import { tellHandler } from './request-mesh.js';
import { serveInbound } from './serve-inbound.js';

/** Looks at a request before policies do. False: it has been answered, or its connection is cut. */
export type Gate = (req: IncomingMessage, to: ServerResponse | Socket) => boolean;

/** Events by which Node gives the whole connection away. */
const tunnels: readonly unknown[] = ['upgrade', 'connect'];
/** The others that bring a request; of the last two, Node asks before it reads a body. */
const requests: readonly unknown[] = ['request', 'checkContinue', 'checkExpectation'];

/**
 * Has policies judge all that Node hands to listeners of a server, before the listeners see it: an application without an
 * adapter is behind its policies, too. Of what is refused the listeners see nothing; the connection of a refused upgrade is
 * closed. An adapter or a second event of one request finds it judged already.
 */
export function guardEvents(internals: MeshInternals, server: Server, gate: Gate): void {
  const { emit } = server;
  const serve = serveInbound(internals);
  const judge = judgeTunnels(internals);
  server.emit = (...event: unknown[]): boolean => {
    const [name, req, to] = event;
    if (requests.includes(name)) {
      const res = to as ServerResponse;
      if (!gate(req as IncomingMessage, res)) return true;
      const run = () => void Reflect.apply(emit, server, event);
      serve(req as IncomingMessage, res, { run, fail: (error) => answerError(error, res, internals.logger) });
      return true;
    }
    if (tunnels.includes(name)) {
      const socket = to as Socket;
      const goOn = () => Reflect.apply(emit, server, event);
      if (gate(req as IncomingMessage, socket)) judge(req as IncomingMessage, socket, goOn);
      return true;
    }
    return Reflect.apply(emit, server, event);
  };
}

/** The walk without what is about responses: nobody knows when a tunnel has been answered. */
function judgeTunnels(internals: MeshInternals) {
  const { clock, telemetry, policy, logger, trustForwardedClientCert } = internals;
  const service = inbound(openTunnel, { clock, telemetry, policy });
  return (req: IncomingMessage, socket: Socket, goOn: () => void): void => {
    removeForgedClientCert(req, trustForwardedClientCert);
    const res = responseOn(req, socket);
    const fail = (error: unknown) => answerInternalError(res, error);
    const run = () => {
      if (socket.destroyed) return;
      res.detachSocket(socket);
      socket.off('error', ignore);
      goOn();
    };
    const call = new InboundRequest(internals, req, res, { run, fail });
    service(call)
      .then((reply) => reply.deliver(), fail)
      .catch((error) => logger.error('a request could not be answered', { error }));
  };
}

async function openTunnel(call: InboundRequest): Promise<Reply> {
  tellHandler(call);
  call.handler.run();
  return new LocalReply({ httpStatus: 101, headers: [], body: '', flags: '' }, () => {});
}

/** Node has none for these requests, and no longer listens to their connection: its errors are nobody's. */
function responseOn(req: IncomingMessage, socket: Socket): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.once('finish', () => socket.destroySoon());
  socket.on('error', ignore);
  return res;
}

function ignore(): void {}
