import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { inbound, LocalReply, type Reply } from '@inmesh/core';
import type { MeshInternals } from '../mesh-internals.js';
import { answerInternalError } from './answer-error.js';
import { removeForgedClientCert } from './forwarded-client-cert.js';
import { InboundRequest } from './inbound-request.js';
import { tellHandler } from './request-mesh.js';
import { serveInbound } from './serve-inbound.js';

/** Events by which Node gives the whole connection away. */
const tunnels: readonly unknown[] = ['upgrade', 'connect'];
/** Events by which Node asks before it reads a body. */
const expectations: readonly unknown[] = ['checkContinue', 'checkExpectation'];

/**
 * Has policies judge what Node hands to other listeners than those of `request`, before the listeners see it. Of what is
 * refused they see nothing: the answer is written to the connection, which is then closed.
 */
export function guardUpgrades(internals: MeshInternals, server: Server): void {
  const { emit } = server;
  const serve = serveInbound(internals);
  const judge = judgeTunnels(internals);
  server.emit = (...event: unknown[]): boolean => {
    const [name, req, to] = event;
    if (tunnels.includes(name)) {
      judge(req as IncomingMessage, to as Socket, () => Reflect.apply(emit, server, event));
      return true;
    }
    if (expectations.includes(name)) {
      const res = to as ServerResponse;
      const run = () => void Reflect.apply(emit, server, event);
      serve(req as IncomingMessage, res, { run, fail: (error) => answerInternalError(res, error) });
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
