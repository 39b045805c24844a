import type { ServerResponse } from 'node:http';
import { HeaderList } from '@inmesh/core';
import { grpcStatusOfHttp } from '../grpc/status-mapping.js';

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

/** An answer without a gRPC status of its own is what a gRPC client would make of it, but 200 is meant well. */
export function grpcStatusOf(httpStatus: number): number {
  return httpStatus === 200 ? 0 : grpcStatusOfHttp(httpStatus);
}
