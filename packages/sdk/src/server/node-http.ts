import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { MeshError } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { MeshInternals } from '../mesh-internals.js';
import { answerInternalError, answerMeshError } from './answer-error.js';
import { serveInbound, type WithInternals } from './serve-inbound.js';
import { secureServer } from './tls/secure-server.js';

export type HttpHandler = (
  req: IncomingMessage,
  res: ServerResponse & { req: IncomingMessage },
) => void | Promise<void>;

/** A server of `node:http` behind the mesh's TLS, whose handler runs in the mesh's context; see `wrapHandler`. */
export function createServer(internals: MeshInternals, handler: HttpHandler, options: ServerOptions = {}): Server {
  return secureServer(internals, createHttpServer(options, wrapHandler({ internals }, handler)));
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
  return (req, res) => {
    const fail = (error: unknown) => answerError(error, res, internals.logger);
    const run = () => {
      const handled = handler(req, res);
      if (handled !== undefined) Promise.resolve(handled).catch(fail);
    };
    serve(req, res, { run, fail });
  };
}

function answerError(error: unknown, res: ServerResponse, logger: Logger): void {
  const meshError = MeshError.find(error);
  if (meshError !== undefined) {
    answerMeshError(res, meshError);
    return;
  }
  const clientIsGone = res.destroyed && !res.errored;
  answerInternalError(res, error);
  // A handler that is writing when its client leaves fails for that alone.
  if (!clientIsGone) logger.error('a request handler failed', { method: res.req.method, path: res.req.url, error });
}
