import type { HeaderList } from '@inmesh/core';
import type { ResponseHandler } from './response-handler.js';

/**
 * Hands an answer of the mesh itself to the caller's handler, as if it had come over a connection: to a HEAD request only
 * the length of its body.
 */
export function writeLocalResponse(
  { handler, method }: { readonly handler: ResponseHandler; readonly method: string },
  status: number,
  headers: HeaderList,
  body: string,
): void {
  const payload = Buffer.from(body);
  if (!headers.has('content-length')) headers.set('content-length', String(payload.length));
  const raw = headers.flat.map((text) => Buffer.from(text, 'latin1'));
  const writeBody = () => {
    if (payload.length > 0 && method !== 'HEAD') handler.onData(payload);
    handler.onComplete([]);
  };
  let paused = true;
  const resume = () => {
    if (!paused) return;
    paused = false;
    writeBody();
  };
  if (handler.onHeaders(status, raw, resume, '') !== false) resume();
}
