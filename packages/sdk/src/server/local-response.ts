import type { ServerResponse } from 'node:http';
import { HeaderList } from '@inmesh/core';

/** Answers a client with what the mesh decided, in the handler's place. */
export function writeLocalResponse(res: ServerResponse, status: number, headers: HeaderList, body: string): void {
  if (res.destroyed || res.headersSent) return;
  res.statusCode = status;
  const { flat } = headers;
  for (let i = 0; i < flat.length; i += 2) res.appendHeader(flat[i]!, flat[i + 1]!);
  res.end(body);
}

/** Headers that say what the body is, which a gRPC response without messages has not. */
const headersOfBody = new Set(['content-type', 'content-length']);

/** The same in gRPC: a response that is over with its headers («Trailers-Only»), and always 200 for HTTP. */
export function writeGrpcResponse(res: ServerResponse, grpcStatus: number, headers: HeaderList, body: string): void {
  const { flat } = headers;
  const kept = ['content-type', 'application/grpc', 'grpc-status', String(grpcStatus)];
  // Percent-encoded as PROTOCOL-HTTP2.md has it.
  if (body !== '') kept.push('grpc-message', encodeURIComponent(body).replaceAll('%20', ' '));
  for (let i = 0; i < flat.length; i += 2) if (!headersOfBody.has(flat[i]!)) kept.push(flat[i]!, flat[i + 1]!);
  writeLocalResponse(res, 200, new HeaderList(kept), '');
}

/** grpc/doc/http-grpc-status-mapping.md */
export function grpcStatusOf(httpStatus: number): number {
  switch (httpStatus) {
    case 200:
      return 0;
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}
