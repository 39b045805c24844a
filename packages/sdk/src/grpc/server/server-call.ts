import type { AsyncResource } from 'node:async_hooks';
import type { Metadata } from '@grpc/grpc-js';
import { deadlineExceeded, MeshError, type Reply, type Service } from '@inmesh/core';
import type { MeshInternals } from '../../mesh-internals.js';
import { reasonHeader } from '../../server/answer-error.js';
import { currentInbound } from '../../server/current-call.js';
import { contextOf } from '../../server/handler-context.js';
import type { GrpcJs, ServerCallBelow, ServerCallListener, ServerStatus } from '../grpc-js.js';
import { statusOf } from '../status.js';
import { CallResponse } from './call-response.js';
import { GrpcInbound } from './grpc-inbound.js';
import { ServerReply } from './server-reply.js';

/** What the calls of one interceptor share. */
export interface ServerContext {
  readonly grpc: GrpcJs;
  readonly internals: MeshInternals;
  /** The inbound walk, which ends in `serve` of the call. */
  readonly inbound: Service<GrpcInbound>;
}

const deadlineStatus = 4;
const internalStatus = 13;

/**
 * An incoming call between its connection and its handler. The handler learns of the call once the filters let it in;
 * until then it asks for no message, so none is read. After that everything passes as it comes, in the call's context.
 */
export class ServerCall implements ServerCallBelow, ServerCallListener {
  readonly #response: CallResponse;
  #listener: ServerCallListener | undefined;
  #call: GrpcInbound | undefined;
  #reply: ServerReply | undefined;
  /** Set while the handler runs. */
  #context: AsyncResource | undefined;

  constructor(
    private readonly shared: ServerContext,
    private readonly path: string,
    private readonly isStreaming: boolean,
    private readonly below: ServerCallBelow,
  ) {
    this.#response = new CallResponse(below, shared.grpc, (status) => this.#onEndedBelow(status));
  }

  // What the handler's side calls.

  start(listener: ServerCallListener): void {
    this.#listener = listener;
    this.below.start(this);
  }

  startRead(): void {
    this.below.startRead();
  }

  sendMetadata(metadata: Metadata): void {
    this.#response.sendMetadata(metadata);
  }

  sendMessage(message: unknown, callback: () => void): void {
    const context = this.isStreaming ? this.#context : undefined;
    // A stream's «drain» comes of this, and is to find the call's context, too.
    const written = context === undefined ? callback : () => context.runInAsyncScope(callback);
    this.#response.sendMessage(message, written);
  }

  sendStatus(status: ServerStatus): void {
    this.#response.sendStatus(status);
  }

  getPeer(): string {
    return this.below.getPeer();
  }

  getDeadline(): Date | number {
    return this.below.getDeadline();
  }

  getHost(): string {
    return this.below.getHost();
  }

  getAuthContext(): ReturnType<ServerCallBelow['getAuthContext']> {
    return this.below.getAuthContext();
  }

  getConnectionInfo(): ReturnType<ServerCallBelow['getConnectionInfo']> {
    return this.below.getConnectionInfo();
  }

  getMetricsRecorder(): ReturnType<ServerCallBelow['getMetricsRecorder']> {
    return this.below.getMetricsRecorder();
  }

  // What the connection's side calls.

  onReceiveMetadata(metadata: Metadata): void {
    if (isServed(metadata)) {
      this.#listener!.onReceiveMetadata(metadata);
      return;
    }
    const { internals, inbound, grpc } = this.shared;
    const { below, path } = this;
    const serve = (call: GrpcInbound) => this.#serve(call);
    this.#call = new GrpcInbound(internals, { grpc, path, metadata, below, response: this.#response, serve });
    inbound(this.#call)
      .then(
        (reply) => reply.deliver(),
        (error) => this.#refuse(error),
      )
      .catch((error) => internals.logger.error('a gRPC call could not be answered', { error }));
  }

  onReceiveMessage(message: unknown): void {
    if (this.#context === undefined) this.#listener!.onReceiveMessage(message);
    else this.#context.runInAsyncScope(this.#listener!.onReceiveMessage, this.#listener, message);
  }

  onReceiveHalfClose(): void {
    if (this.#context === undefined) this.#listener!.onReceiveHalfClose();
    else this.#context.runInAsyncScope(this.#listener!.onReceiveHalfClose, this.#listener);
  }

  /** grpc-js says this at the end of every call, also of one that was answered. */
  onCancel(): void {
    this.#response.close();
    const call = this.#call;
    if (call !== undefined && this.#response.status === undefined) call.cancel(goneOrLate(call, this.shared.internals));
    if (this.#context === undefined) this.#listener!.onCancel();
    else this.#context.runInAsyncScope(this.#listener!.onCancel, this.#listener);
    this.#reply?.finish(call?.cancelled);
  }

  #serve(call: GrpcInbound): Reply {
    const reply = new ServerReply(this.#response);
    this.#reply = reply;
    this.#context = contextOf(call);
    const listener = this.#listener!;
    this.#context.runInAsyncScope(listener.onReceiveMetadata, listener, call.metadata);
    return reply;
  }

  /** The mesh ends the call before its handler has run. */
  #refuse(error: unknown): void {
    const { grpc, internals } = this.shared;
    const failure = MeshError.from(error);
    if (failure.reason === 'internal') {
      internals.logger.error('a gRPC call failed on its way to its handler', { path: this.path, error });
      this.#response.sendStatus({ code: internalStatus, details: 'internal error' });
      return;
    }
    const status = statusOf(failure, grpc);
    status.metadata.set(reasonHeader, failure.reason);
    this.#response.sendStatus(status);
  }

  #onEndedBelow({ code, details }: ServerStatus): void {
    const call = this.#call;
    if (call === undefined) return;
    call.cancel(code === deadlineStatus ? deadlineExceeded(call) : refusedBelow(code, details));
  }
}

/** The client's own timer may be the first by a moment. */
function goneOrLate(call: GrpcInbound, { clock }: MeshInternals): MeshError {
  if (call.deadline <= clock.now()) return deadlineExceeded(call);
  return new MeshError('caller_cancelled', { message: 'the client went away before it was answered' });
}

function refusedBelow(code: number, details: string): MeshError {
  const reason = code === internalStatus ? 'internal' : 'invalid_request';
  return new MeshError(reason, { message: details, grpcStatus: code });
}

/** A call that has come through an interceptor of the mesh already: the one nearer to the connection serves it. */
function isServed(metadata: Metadata): boolean {
  const call = currentInbound();
  return call instanceof GrpcInbound && call.metadata === metadata;
}
