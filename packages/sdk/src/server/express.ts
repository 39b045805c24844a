import type { IncomingMessage, ServerResponse } from 'node:http';
import { MeshError } from '@inmesh/core';
import { answerMeshError } from './answer-error.js';
import { internalsOf, serveInbound, type WithInternals } from './serve-inbound.js';

// Spelled with Node's types, so that the handlers of Express 4 and 5, and of Connect, all take them.
type Next = (error?: unknown) => void;
type Middleware = (req: IncomingMessage, res: ServerResponse, next: Next) => void;
type ErrorMiddleware = (error: unknown, req: IncomingMessage, res: ServerResponse, next: Next) => void;

/** Puts the handlers after it in the mesh's context. Use it first: `app.use(expressMiddleware(mesh))`. */
export function expressMiddleware(mesh: WithInternals): Middleware {
  const serve = serveInbound(internalsOf(mesh, 'expressMiddleware'));
  return (req, res, next) => serve(req, res, { run: () => next(), fail: next });
}

/**
 * Answers MeshErrors, also inside fetch's TypeError, with their status, reason and text, and passes other errors on.
 * Use it after the routes: `app.use(expressErrorHandler())`. Express 4 does not see what an async handler rejects with:
 * `.catch(next)` there.
 */
export function expressErrorHandler(): ErrorMiddleware {
  return (error, _req, res, next) => {
    const meshError = MeshError.find(error);
    // Express itself ends the connection when headers were sent already.
    if (meshError === undefined || res.headersSent) next(error);
    else answerMeshError(res, meshError);
  };
}
