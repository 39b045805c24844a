import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Reply } from '@inmesh/core';
import { runInside } from './handler-context.js';
import type { InboundRequest } from './inbound-request.js';
import { tellHandler } from './request-mesh.js';
import { ResponseReply } from './response-reply.js';

/**
 * The end of the inbound walk: runs the user's handler in the context of its call. It is `async` for the promise alone:
 * the handler runs before the first turn.
 */
export async function runHandler(call: InboundRequest): Promise<Reply> {
  const reply = new ResponseReply(call);
  const { req, handler } = call;
  const start = () => {
    emitInThisContext(req);
    tellHandler(call);
    handler.run();
  };
  try {
    runInside(call, start);
  } catch (error) {
    handler.fail(error);
  }
  return reply;
}

/** Node calls a request's listeners («data», «end») in the context of the connection, where no call is known. */
function emitInThisContext(req: IncomingMessage): void {
  const context = new AsyncResource('InmeshRequest');
  const { emit } = req;
  req.emit = (...event: Parameters<typeof emit>) => context.runInAsyncScope(emit, req, ...event);
}
