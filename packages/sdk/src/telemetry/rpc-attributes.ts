import type { CallEnd } from '@inmesh/core';
import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';
import { attributeNames as names } from './names.js';

/** `package.Service/Method`, what semantic conventions name the spans of a gRPC call. */
export function rpcName(path: string): string {
  return path.slice(1);
}

export function addRpc(attributes: Attributes, path: string): void {
  const end = path.lastIndexOf('/');
  attributes[names.rpcSystem] = 'grpc';
  attributes[names.rpcService] = path.slice(1, end);
  attributes[names.rpcMethod] = path.slice(end + 1);
}

/**
 * The statuses that are the server's error: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS
 * (semantic conventions, gRPC). To a client every one but OK is an error.
 */
const serverErrors: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

export function recordRpcEnd(span: Span, grpcStatus: number, error: CallEnd['error'], side: 'client' | 'server'): void {
  span.setAttribute(names.rpcStatus, grpcStatus);
  const isError = side === 'client' ? grpcStatus !== 0 : serverErrors.has(grpcStatus);
  if (!isError) return;
  span.setAttribute(names.errorType, error?.reason ?? String(grpcStatus));
  span.setStatus({ code: SpanStatusCode.ERROR, ...(error !== undefined && { message: error.message }) });
}
