import type { Call } from '../call.js';
import type { RetryPolicy } from '../model/route.js';
import type { Reply } from '../service.js';

/** gRPC clients make no more than 5 attempts, whatever a configuration asks for (gRFC A6, A44). */
const maxGrpcRetries = 4;

export function maxRetriesOf({ protocol }: Call, { attempts }: RetryPolicy): number {
  return protocol === 'grpc' ? Math.min(attempts, maxGrpcRetries) : attempts;
}

/**
 * What a gRPC server says of a retry (gRFC A6, push-back): the wait in ms, `never` for a number below 0 or a text that is
 * none, undefined where it says nothing.
 */
export function pushBackOf(reply: Reply): number | 'never' | undefined {
  if (reply.grpcStatus === undefined || reply.grpcStatus === 0) return undefined;
  const value = reply.header('grpc-retry-pushback-ms');
  if (value === undefined) return undefined;
  return /^\d{1,10}$/.test(value) ? Number(value) : 'never';
}
