import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Logger } from '../logger.js';
import type { MeshInternals } from '../mesh-internals.js';
import { answerError } from './answer-error.js';
import { serveInbound, type WithInternals } from './serve-inbound.js';
import { secureServer } from './tls/secure-server.js';

export type HttpHandler = (
  req: IncomingMessage,
  res: ServerResponse & { req: IncomingMessage },
) => void | Promise<void>;

/** A server of `node:http` behind the mesh's TLS, whose handler runs in the mesh's context; see `wrapHandler`. */
export function createServer(internals: MeshInternals, handler: HttpHandler, options: ServerOptions = {}): Server {
  return secureServer(internals, createHttpServer(options, catching(handler, internals.logger)));
}

/**
 * For a server that exists already: `server.on('request', wrapHandler(mesh, handler))`. What the handler throws, or rejects
 * with, is answered: a MeshError, also one inside fetch's TypeError, with its own status and reason, anything else with
 * 500 «internal error» and a line in the log. Where headers were sent already, the connection is cut.
 */
export function wrapHandler(
  { internals }: WithInternals,
  handler: HttpHandler,
): (...args: Parameters<HttpHandler>) => void {
  const serve = serveInbound(internals);
  const { logger } = internals;
  const handle = catching(handler, logger);
  return (req, res) => {
    serve(req, res, { run: () => handle(req, res), fail: (error) => answerError(error, res, logger) });
  };
}

/** Answers what the handler rejects with; what it throws is for whoever runs it. */
function catching(handler: HttpHandler, logger: Logger): (...args: Parameters<HttpHandler>) => void {
  return (req, res) => {
    const handled = handler(req, res);
    if (handled !== undefined) Promise.resolve(handled).catch((error) => answerError(error, res, logger));
  };
}
