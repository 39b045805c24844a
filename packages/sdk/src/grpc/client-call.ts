import type { CallCredentials, Metadata } from '@grpc/grpc-js';
import { type Clock, MeshError, type Reply, type Service, send, type Timer } from '@inmesh/core';
import type { MeshInternals, Prepare } from '../mesh-internals.js';
import { explainHangUp } from '../plaintext-hint.js';
import { inboundCalls } from '../server/context.js';
import type { InboundCall } from '../server/inbound-call.js';
import { explainMissing, inherit, whileServing } from '../server/inherit.js';
import { routedAuthority } from '../server/routed-authority.js';
import type { ChannelSource } from './attempt-channel.js';
import { GrpcCall, type ResponseListener } from './grpc-call.js';
import type { ChannelCall, GrpcJs, MessageContext } from './grpc-js.js';
import { type BufferBudget, MessageLog } from './message-log.js';
import { toHeaderList } from './metadata.js';
import { statusOf } from './status.js';
import type { GrpcTarget } from './target.js';

/** What the calls of one channel share. */
export interface CallContext {
  readonly grpc: GrpcJs;
  readonly internals: MeshInternals;
  readonly outbound: Service<GrpcCall>;
  readonly prepare: Prepare;
  readonly channels: ChannelSource;
  readonly budget: BufferBudget;
  /** What a message counts in the budget; undefined where messages are bytes. */
  readonly sizeOf?: ((message: Buffer) => number) | undefined;
  readonly target: GrpcTarget;
  /** Calls under way, to be ended with the mesh. */
  readonly calls: Set<ClientCall>;
}

type ChannelListener = Parameters<ChannelCall['start']>[1];

let callNumber = 0;

/** The call that grpc-js's Client drives: it takes the request, and goes through the mesh once it is started. */
export class ClientCall implements ChannelCall, ResponseListener {
  readonly #log: MessageLog;
  readonly #number = ++callNumber;
  /** Called once, when the caller is told the status. */
  onEnded: (() => void) | undefined;
  #listener: ChannelListener | undefined;
  #credentials: CallCredentials | undefined;
  #call: GrpcCall | undefined;
  #readWanted = false;
  /** Set before there is a call that could be cancelled. */
  #cancelled: MeshError | undefined;
  #prepareTimer: Timer | undefined;
  #ended = false;

  /**
   * @param deadline in ms since 1970; Infinity for none
   * @param host takes the place of the channel's own authority; undefined for that
   */
  constructor(
    private readonly context: CallContext,
    private readonly path: string,
    private readonly deadline: number,
    private readonly host: string | undefined,
  ) {
    this.#log = new MessageLog(context.budget, context.sizeOf);
  }

  // What the Client calls.

  start(metadata: Metadata, listener: ChannelListener): void {
    this.#listener = listener;
    const inbound = inboundCalls.getStore();
    const own = metadata.clone();
    this.context.calls.add(this);
    // A unary request writes its message and its end right after this: a copy of it has to have them.
    queueMicrotask(() => this.#prepare(own, inbound));
  }

  sendMessageWithContext(context: MessageContext, message: Buffer): void {
    this.#log.write(context, message);
  }

  startRead(): void {
    this.#readWanted = true;
    this.#call?.startRead();
  }

  halfClose(): void {
    this.#log.halfClose();
  }

  cancelWithStatus(code: number, details: string): void {
    this.cancel(new MeshError('caller_cancelled', { message: details, grpcStatus: code }));
  }

  getPeer(): string {
    return this.#call?.currentAttempt?.peer ?? this.context.target.authority;
  }

  getAuthContext(): ReturnType<ChannelCall['getAuthContext']> {
    return this.#call?.currentAttempt?.authContext ?? null;
  }

  getCallNumber(): number {
    return this.#number;
  }

  setCredentials(credentials: CallCredentials): void {
    this.#credentials = credentials;
  }

  cancel(reason: MeshError): void {
    if (this.#call !== undefined) {
      this.#call.cancel(reason);
      return;
    }
    this.#cancelled ??= reason;
    if (this.#listener !== undefined) this.#fail(reason);
  }

  // What attempts call.

  onReceiveMetadata(metadata: Metadata): void {
    this.#listener!.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: Buffer): void {
    this.#readWanted = false;
    this.#listener!.onReceiveMessage(message);
  }

  onReceiveStatus(status: Parameters<ResponseListener['onReceiveStatus']>[0]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#prepareTimer?.cancel();
    this.#log.end();
    this.context.calls.delete(this);
    this.onEnded?.();
    // Not from within a promise, where what a caller's listener throws would be nobody's.
    process.nextTick(() => this.#listener!.onReceiveStatus(status));
  }

  #prepare(metadata: Metadata, inbound: InboundCall | undefined): void {
    if (this.#cancelled !== undefined) {
      this.#fail(this.#cancelled);
      return;
    }
    const { prepare, target, internals } = this.context;
    let preparing: Promise<void> | undefined;
    try {
      preparing = prepare(target.scheme, target.authority);
      if (preparing === undefined) this.#begin(metadata, inbound);
    } catch (error) {
      this.#fail(MeshError.from(error));
      return;
    }
    if (preparing === undefined) return;
    this.#endAtDeadline(internals.clock);
    const prepared = inbound === undefined ? preparing : whileServing(inbound, preparing);
    prepared.then(() => this.#begin(metadata, inbound)).catch((error) => this.#fail(MeshError.from(error)));
  }

  /** While the configuration is made ready there is no call yet that would end in time. */
  #endAtDeadline(clock: Clock): void {
    const leftMs = this.deadline - Date.now();
    if (leftMs === Number.POSITIVE_INFINITY) return;
    this.#prepareTimer = clock.setTimer(Math.max(0, leftMs), () =>
      this.cancel(new MeshError('deadline_exceeded', { message: "the caller's deadline has passed" })),
    );
  }

  #begin(metadata: Metadata, inbound: InboundCall | undefined): void {
    if (this.#ended) return;
    this.#prepareTimer?.cancel();
    const { internals, outbound } = this.context;
    const call = this.#newCall(metadata);
    this.#call = call;
    if (this.#cancelled !== undefined) call.cancel(this.#cancelled);
    if (inbound !== undefined) inherit(call, inbound, internals);
    send(outbound, call)
      .then(
        (reply) => this.#deliver(reply, call, inbound),
        (error) => {
          const failure = MeshError.from(error);
          call.currentAttempt?.abandon(failure);
          if (call.retriesSpent) inbound?.spendRetries();
          inbound?.release(call);
          explainHangUp(failure, call, internals);
          this.#fail(explainMissing(failure, internals));
        },
      )
      .catch((error) => {
        call.currentAttempt?.abandon(MeshError.from(error));
        throwAlone(error);
      });
  }

  #newCall(metadata: Metadata): GrpcCall {
    const { grpc, internals, channels, target } = this.context;
    const snapshot = internals.snapshots.current;
    const { clock } = internals;
    const host = this.host ?? target.authority;
    const call = new GrpcCall({
      scheme: target.scheme,
      authority: this.host === undefined ? host : routedAuthority(snapshot, target, host.toLowerCase()),
      method: 'POST',
      path: this.path,
      headers: toHeaderList(metadata, host),
      snapshot,
      startedAt: clock.now(),
      ...{ grpc, channels, log: this.#log, listener: this, credentials: this.#credentials },
      waitForReady: metadata.getOptions().waitForReady === true,
    });
    call.readWanted = this.#readWanted;
    call.sourceAddress = internals.workload.podIp;
    if (this.deadline !== Number.POSITIVE_INFINITY) call.deadline = clock.now() + (this.deadline - Date.now());
    return call;
  }

  #deliver(reply: Reply, call: GrpcCall, inbound: InboundCall | undefined): void {
    if (call.retriesSpent) inbound?.spendRetries();
    if (inbound !== undefined) reply.onFinish(() => inbound.release(call));
    reply.deliver();
  }

  #fail(failure: MeshError): void {
    this.onReceiveStatus(statusOf(failure, this.context.grpc));
  }
}

/** What a caller's own listener throws ends the process, unless somebody listens to it there, as in grpc-js. */
function throwAlone(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
