import { MeshError } from '@inmesh/core';
import { type CallContext, ClientCall } from './client-call.js';
import type { ChannelCall, GrpcChannel, ServerParentCall } from './grpc-js.js';
import { cancelWith } from './parent-call.js';
import { targetState, watchTargetState } from './target-state.js';

type ConnectivityState = ReturnType<GrpcChannel['getConnectivityState']>;

type ChannelzRef = ReturnType<GrpcChannel['getChannelzRef']>;

const shutdown: ConnectivityState = 4;

/** The mesh as a channel of grpc-js: a Client takes it as its `channelOverride`. */
export class MeshChannel implements GrpcChannel {
  #closed = false;

  constructor(
    private readonly context: CallContext,
    /** Gives back what the channel shares with others. */
    private readonly release: () => void,
  ) {}

  createCall(
    method: string,
    deadline: Date | number,
    host: string | null | undefined,
    parentCall: ServerParentCall | null,
    propagateFlags: number | null | undefined,
  ): ChannelCall {
    if (this.#closed) throw new Error('Channel has been shut down');
    const flags = propagateFlags ?? this.context.grpc.propagate.DEFAULTS;
    const inherited = parentCall === null || (flags & this.context.grpc.propagate.DEADLINE) === 0;
    const end = inherited ? toMs(deadline) : Math.min(toMs(deadline), toMs(parentCall.getDeadline()));
    const call = new ClientCall(this.context, method, end, host ?? undefined);
    if (parentCall !== null && (flags & this.context.grpc.propagate.CANCELLATION) !== 0) {
      cancelWith(parentCall, call);
    }
    return call;
  }

  /** Calls under way go on; a new one throws, as in grpc-js. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.release();
  }

  getTarget(): string {
    return this.context.target.authority;
  }

  /** READY where some endpoint of the target takes calls; the mesh connects when a call comes. */
  getConnectivityState(tryToConnect: boolean): ConnectivityState {
    return this.#closed ? shutdown : targetState(this.context, tryToConnect);
  }

  watchConnectivityState(
    currentState: ConnectivityState,
    deadline: Date | number,
    callback: (error?: Error) => void,
  ): void {
    if (this.#closed) throw new Error('Channel has been shut down');
    watchTargetState(this.context, currentState, toMs(deadline), callback);
  }

  /** Not registered with channelz; the channels to endpoints are where `grpc.enable_channelz` is 1. */
  getChannelzRef(): ChannelzRef {
    return { kind: 'channel' as ChannelzRef['kind'], id: 0, name: this.context.target.authority };
  }
}

function toMs(deadline: Date | number): number {
  const ms = deadline instanceof Date ? deadline.getTime() : deadline;
  if (Number.isNaN(ms)) throw new MeshError('invalid_request', { message: 'the deadline is not a time' });
  return ms;
}
