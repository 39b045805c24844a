import type { ServerResponse } from 'node:http';
import type { HeaderList } from '@inmesh/core';

/** Answers a client with what the mesh decided, in the handler's place. */
export function writeLocalResponse(res: ServerResponse, status: number, headers: HeaderList, body: string): void {
  if (res.destroyed || res.headersSent) return;
  res.statusCode = status;
  const { flat } = headers;
  for (let i = 0; i < flat.length; i += 2) res.appendHeader(flat[i]!, flat[i + 1]!);
  res.end(body);
}
