import type { ServerResponse } from 'node:http';
import type { MeshError } from '@inmesh/core';

export const reasonHeader = 'x-inmesh-reason';
export const bodyType = 'text/plain; charset=utf-8';

/** Headers of the answer that was meant to go out, and would be false for an error's. */
const headersOfBody = ['transfer-encoding', 'trailer', 'etag', 'last-modified', 'cache-control', 'expires'];

/** Answers with the error's status, its reason as `x-inmesh-reason`, and its short text. */
export function answerMeshError(res: ServerResponse, error: MeshError): void {
  answer(res, error, { status: statusOf(error), reason: error.reason, body: error.toBody() });
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
