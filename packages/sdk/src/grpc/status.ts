import type { StatusObject } from '@grpc/grpc-js';
import type { MeshError } from '@inmesh/core';
import type { GrpcJs } from './grpc-js.js';

/**
 * What the caller is told of a failure: the gRPC status of its reason and a text that says why. What the caller did itself
 * (it cancelled, its message is too long) is told in the words it was told in.
 */
export function statusOf(failure: MeshError, { Metadata }: GrpcJs): StatusObject {
  const ownDoing = failure.reason === 'caller_cancelled' || failure.reason === 'invalid_request';
  const details = ownDoing ? failure.message : failure.toBody();
  return { code: failure.grpcStatus, details, metadata: new Metadata() };
}
