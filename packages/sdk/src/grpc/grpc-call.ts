import type { CallCredentials, Metadata, StatusObject } from '@grpc/grpc-js';
import { Call, type CallInit, LocalReply, type LocalResponse, type Reply } from '@inmesh/core';
import type { ChannelSource } from './attempt-channel.js';
import type { GrpcAttempt } from './grpc-attempt.js';
import type { GrpcJs } from './grpc-js.js';
import type { MessageLog } from './message-log.js';
import { addHeader } from './metadata.js';
import { grpcStatusOfHttp } from './status-mapping.js';

/** Who gets the response. */
export interface ResponseListener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: Buffer): void;
  onReceiveStatus(status: StatusObject): void;
}

export const ignoreResponse: ResponseListener = Object.freeze({
  onReceiveMetadata() {},
  onReceiveMessage() {},
  onReceiveStatus() {},
});

/** An outgoing gRPC call of any kind: a log of what it sends, and who waits for what comes back. */
export class GrpcCall extends Call {
  readonly protocol: 'http' | 'grpc';
  readonly grpc: GrpcJs;
  readonly log: MessageLog;
  readonly listener: ResponseListener;
  readonly credentials: CallCredentials | undefined;
  readonly channels: ChannelSource;
  /** The caller wants a message that it has not got yet. */
  readWanted = false;
  /** The attempt that was made last. */
  currentAttempt: GrpcAttempt | undefined = undefined;

  constructor(
    init: CallInit & {
      grpc: GrpcJs;
      log: MessageLog;
      listener: ResponseListener;
      channels: ChannelSource;
      credentials?: CallCredentials | undefined;
      waitForReady?: boolean;
    },
  ) {
    super(init);
    this.protocol = 'grpc';
    this.grpc = init.grpc;
    this.log = init.log;
    this.listener = init.listener;
    this.channels = init.channels;
    this.credentials = init.credentials;
    if (init.waitForReady === true) this.waitForReady = true;
  }

  canReplay(): boolean {
    return this.log.isWhole;
  }

  startRead(): void {
    this.readWanted = true;
    this.currentAttempt?.startRead();
  }

  /** Only of a request of one message that has come: what a stream will send is not known yet. */
  shadow(): GrpcCall | undefined {
    if (!this.channels.reachesEndpoints) return undefined;
    if (!this.log.isHalfClosed || this.log.count > 1 || !this.log.isWhole) return undefined;
    const { scheme, authority, method, path, snapshot, startedAt, grpc, channels, credentials } = this;
    return new GrpcCall({
      ...{ scheme, authority, method, path, snapshot, startedAt, grpc, channels, credentials },
      headers: this.headers.copy(),
      log: this.log.copy(),
      listener: ignoreResponse,
    });
  }

  /** A status and nothing else, as gRPC's trailers-only responses are. */
  respond(response: LocalResponse): Reply {
    const grpcStatus = response.grpcStatus ?? grpcStatusOfHttp(response.httpStatus);
    return new LocalReply({ ...response, grpcStatus }, (_status, headers, details) => {
      const metadata = new this.grpc.Metadata();
      for (let i = 0; i < headers.flat.length; i += 2) addHeader(metadata, headers.flat[i]!, headers.flat[i + 1]!);
      this.listener.onReceiveStatus({ code: grpcStatus, details, metadata });
    });
  }
}
