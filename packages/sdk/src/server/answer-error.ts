import type { ServerResponse } from 'node:http';
import { MeshError } from '@inmesh/core';
import type { Logger } from '../logger.js';

export const reasonHeader = 'x-inmesh-reason';
export const bodyType = 'text/plain; charset=utf-8';

/** Headers of the answer that was meant to go out, and would be false for an error's. */
const headersOfBody = ['transfer-encoding', 'trailer', 'etag', 'last-modified', 'cache-control', 'expires'];

/** Answers with the error's status, its reason as `x-inmesh-reason`, and its short text. */
export function answerMeshError(res: ServerResponse, error: MeshError): void {
  answer(res, error, { status: statusOf(error), reason: error.reason, body: error.toBody() });
}

/** What a handler threw: a MeshError as it says, anything else with 500 and a line in the log. */
export function answerError(error: unknown, res: ServerResponse, logger: Logger): void {
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

/** Answers 500 and nothing that the error says. */
export function answerInternalError(res: ServerResponse, error: unknown): void {
  answer(res, error, { status: 500, reason: undefined, body: 'internal error' });
}

function answer(
  res: ServerResponse,
  error: unknown,
  { status, reason, body }: { status: number; reason: string | undefined; body: string },
): void {
  if (res.destroyed || res.writableEnded) return;
  if (res.headersSent) {
    // A body cut off is the only way left to say that the answer is no good.
    res.destroy(error instanceof Error ? error : new Error(body));
    return;
  }
  for (const name of res.getHeaderNames()) {
    if (name.startsWith('content-') || headersOfBody.includes(name)) res.removeHeader(name);
  }
  res.statusCode = status;
  res.setHeader('content-type', bodyType);
  // Said, because Node counts by itself only where nobody has removed the header.
  res.setHeader('content-length', Buffer.byteLength(body));
  if (reason !== undefined) res.setHeader(reasonHeader, reason);
  res.end(body);
}

/** What an injected fault asks for may be any number; Node throws on one that is no status. */
export function statusOf({ httpStatus }: MeshError): number {
  return httpStatus >= 200 && httpStatus <= 599 ? httpStatus : 500;
}
