import { createRequire } from 'node:module';
import type * as grpc from '@grpc/grpc-js';
import { MeshError } from '@inmesh/core';

export type GrpcJs = typeof grpc;
export type GrpcChannel = grpc.ChannelInterface;
/** The call under a client's interceptors; grpc-js exports its type under no name. */
export type ChannelCall = ReturnType<GrpcChannel['createCall']>;
/** What an attempt needs of one; a client's next interceptor gives no more. */
export type AttemptCall = Omit<ChannelCall, 'getCallNumber' | 'setCredentials'>;
export type MessageContext = Parameters<ChannelCall['sendMessageWithContext']>[0];
export type ServerParentCall = NonNullable<Parameters<GrpcChannel['createCall']>[3]>;
/** An incoming call, below an interceptor. */
export type ServerCallBelow = grpc.ServerInterceptingCallInterface;
/** Who gets what comes in; grpc-js exports its type under no name. */
export type ServerCallListener = Parameters<ServerCallBelow['start']>[0];
/** What an incoming call ends with. */
export type ServerStatus = Parameters<ServerCallBelow['sendStatus']>[0];

let loaded: GrpcJs | undefined;

/**
 * Loads the caller's own grpc-js, at its first use: it costs a process without gRPC nothing. It is CommonJS, so `import`
 * in the caller's code gives the same instance.
 * @throws MeshError `invalid_request` when it is not installed
 */
export function loadGrpcJs(): GrpcJs {
  loaded ??= requireGrpcJs();
  return loaded;
}

function requireGrpcJs(): GrpcJs {
  try {
    return createRequire(import.meta.url)('@grpc/grpc-js') as GrpcJs;
  } catch (cause) {
    throw new MeshError('invalid_request', {
      message: 'mesh.grpc needs the package @grpc/grpc-js',
      hint: 'npm install @grpc/grpc-js@^1.14',
      cause,
    });
  }
}
