import type { Metadata, StatusObject } from '@grpc/grpc-js';
import type { FinishListener, MeshError, Reply } from '@inmesh/core';
import type { AttemptChannel } from './attempt-channel.js';
import { isFromUpstream, isMadeHere, readable, toFailure } from './failure.js';
import type { GrpcCall } from './grpc-call.js';
import type { AttemptCall } from './grpc-js.js';
import { addHeader, firstValue } from './metadata.js';
import { statusOf } from './status.js';
import { httpStatusOfGrpc } from './status-mapping.js';

type State =
  /** The request is on its way; nothing of the response has come. */
  | 'waiting'
  /** Headers, or a whole response, have come; the filters decide. */
  | 'held'
  | 'delivering'
  /** Over, in whatever way; later events are ignored. */
  | 'ended';

const ok = 0;
const cancelled = 1;
const deadlineExceeded = 4;

/**
 * One attempt on one endpoint: grpc-js's listener on one side, the filters' Reply on the other. Response headers commit it;
 * a response without any is a Reply whose status is known. A message is read only when the caller has asked for one, so
 * that the upstream is held back as the caller is slow.
 */
export class GrpcAttempt implements Reply {
  httpStatus = 200;
  grpcStatus: number | undefined = undefined;
  readonly flags = undefined;
  #state: State = 'waiting';
  #metadata: Metadata | undefined;
  #isTrailersOnly = false;
  #heldMessage: Buffer | undefined;
  #heldStatus: StatusObject | undefined;
  #brokenBy: MeshError | undefined;
  #finished = false;
  #failure: MeshError | undefined;
  #finishListeners: FinishListener[] = [];
  readonly #child: AttemptCall;
  readonly #heardBefore: number;
  readonly #onInterrupt = (reason: MeshError) => this.#interrupt(reason);

  constructor(
    private readonly call: GrpcCall,
    private readonly channel: AttemptChannel,
    private readonly resolve: (reply: Reply) => void,
    private readonly reject: (failure: MeshError) => void,
    child: AttemptCall,
  ) {
    this.#child = child;
    this.#heardBefore = channel.heard;
    call.interrupt = this.#onInterrupt;
    call.currentAttempt = this;
    channel.onCallStarted();
  }

  get peer(): string {
    return this.#child.getPeer();
  }

  get authContext(): ReturnType<AttemptCall['getAuthContext']> {
    return this.#child.getAuthContext();
  }

  /** Called once when something has come of the attempt, or it has ended without. */
  onAnswered: (() => void) | undefined;

  start(metadata: Metadata): void {
    this.#child.start(metadata, {
      onReceiveMetadata: (headers) => this.#onMetadata(headers),
      onReceiveMessage: (message: Buffer) => this.#onMessage(message),
      onReceiveStatus: (status) => this.#onStatus(readable(status)),
    });
    if (this.call.readWanted) this.#child.startRead();
    const { log, idleWatch } = this.call;
    log.onMessageSent = idleWatch === undefined ? undefined : () => idleWatch.touch();
    log.attach(this.#child);
  }

  startRead(): void {
    if (this.#state !== 'ended' && this.#heldMessage === undefined) this.#child.startRead();
  }

  /** Gives the attempt up before anything has come of it. */
  giveUp(reason: MeshError): void {
    if (this.#state === 'waiting') this.#interrupt(reason);
  }

  /** The call has failed: where an exception was the reason, nobody may have ended its attempt. */
  abandon(reason: MeshError): void {
    if (this.#state === 'held') this.discard();
    else this.#interrupt(reason);
  }

  // What the filters call.

  header(name: string): string | undefined {
    return this.#metadata === undefined ? undefined : firstValue(this.#metadata, name);
  }

  setHeader(name: string, value: string): void {
    this.removeHeader(name);
    this.appendHeader(name, value);
  }

  appendHeader(name: string, value: string): void {
    if (this.#metadata !== undefined) addHeader(this.#metadata, name, value);
  }

  removeHeader(name: string): void {
    this.#metadata?.remove(name);
  }

  onFinish(listener: FinishListener): void {
    if (this.#finished) listener(this.#failure);
    else this.#finishListeners.push(listener);
  }

  deliver(): void {
    this.#state = 'delivering';
    this.call.log.commit();
    const { listener } = this.call;
    if (this.#metadata !== undefined && !this.#isTrailersOnly) listener.onReceiveMetadata(this.#metadata);
    const message = this.#heldMessage;
    this.#heldMessage = undefined;
    if (message !== undefined && this.#isDelivering) this.#pass(message);
    if (!this.#isDelivering) return;
    if (this.#brokenBy !== undefined) this.#breakOff(this.#brokenBy);
    else if (this.#heldStatus !== undefined) this.#finish(this.#heldStatus);
  }

  discard(): void {
    if (this.#state === 'ended') return;
    this.#end(undefined);
    this.#child.cancelWithStatus(cancelled, 'the response is not wanted');
  }

  /** The caller may cancel from within its own listener. */
  get #isDelivering(): boolean {
    return this.#state === 'delivering';
  }

  // What grpc-js calls.

  #onMetadata(metadata: Metadata): void {
    this.channel.onHeard();
    this.#answered();
    if (this.#state !== 'waiting') return;
    this.#moved();
    // An answer of something else than a gRPC server, such as a proxy's 503: its status comes as the last thing.
    if (!isGrpc(metadata)) return;
    this.#hold(metadata);
  }

  #onMessage(message: Buffer): void {
    this.channel.onHeard();
    if (this.#state === 'ended' || this.#state === 'waiting') return;
    this.#moved();
    if (this.#state === 'delivering') this.#pass(message);
    else this.#heldMessage = message;
  }

  #onStatus(status: StatusObject): void {
    this.#answered();
    switch (this.#state) {
      case 'waiting':
        this.#moved();
        this.#onStatusAlone(status);
        return;
      case 'held':
        this.#heldStatus = status;
        return;
      case 'delivering':
        this.#moved();
        this.#finish(status);
        return;
      default:
    }
  }

  #onStatusAlone(status: StatusObject): void {
    const httpStatus = httpStatusIn(status);
    if (status.code !== ok && !isFromUpstream(status) && httpStatus === undefined) {
      if (status.code === deadlineExceeded) this.#unanswered();
      this.#fail(this.call.cancelled ?? toFailure(status, this.call, this.channel.isReady));
      return;
    }
    this.channel.onHeard();
    this.grpcStatus = status.code;
    this.httpStatus = httpStatus ?? httpStatusOfGrpc(status.code);
    this.#isTrailersOnly = true;
    this.#heldStatus = status;
    this.#hold(status.metadata);
  }

  #hold(metadata: Metadata): void {
    this.#metadata = metadata;
    if (this.call.attempt > 1) this.setHeader(previousAttempts, String(this.call.attempt - 1));
    this.#state = 'held';
    this.resolve(this);
  }

  #pass(message: Buffer): void {
    this.call.readWanted = false;
    this.call.listener.onReceiveMessage(message);
  }

  /** A status that grpc-js made breaks a response off, one of the upstream ends it. */
  #finish(status: StatusObject): void {
    if (!this.#isTrailersOnly && isMadeHere(status)) {
      this.#breakOff(toFailure(status, this.call, this.channel.isReady));
      return;
    }
    this.grpcStatus = status.code;
    this.#end(undefined);
    this.call.listener.onReceiveStatus(status);
  }

  /** Ends an attempt that waits, or a response under way, with the reason given. */
  #interrupt(reason: MeshError): void {
    switch (this.#state) {
      case 'waiting':
        if (reason.grpcStatus === deadlineExceeded) this.#unanswered();
        this.#fail(reason);
        this.#child.cancelWithStatus(cancelled, reason.message);
        return;
      case 'held':
        this.#brokenBy = reason;
        this.#child.cancelWithStatus(cancelled, reason.message);
        return;
      case 'delivering':
        this.#breakOff(reason);
        this.#child.cancelWithStatus(cancelled, reason.message);
        return;
      default:
    }
  }

  #breakOff(failure: MeshError): void {
    failure.attempts = this.call.attempt;
    failure.cluster ??= this.call.cluster?.cluster.name;
    failure.endpoint ??= this.call.endpoint?.endpoint.address;
    this.grpcStatus = failure.grpcStatus;
    this.#end(failure);
    this.call.listener.onReceiveStatus(statusOf(failure, this.call.grpc));
  }

  #fail(failure: MeshError): void {
    this.#end(failure);
    this.reject(failure);
  }

  #end(failure: MeshError | undefined): void {
    this.#answered();
    this.#state = 'ended';
    if (this.#finished) return;
    this.#finished = true;
    this.#failure = failure;
    // A later attempt may wait in the call's slot by now: only what is ours is taken out.
    if (this.call.interrupt === this.#onInterrupt) this.call.interrupt = undefined;
    this.channel.onCallEnded();
    for (const listener of this.#finishListeners) listener(failure);
  }

  #answered(): void {
    const answered = this.onAnswered;
    this.onAnswered = undefined;
    answered?.();
  }

  #unanswered(): void {
    this.channel.onUnanswered(this.#heardBefore, this.call.attempt > 1 ? undefined : this.call.startedAt);
  }

  #moved(): void {
    this.call.idleWatch?.touch();
    this.call.attemptIdleWatch?.touch();
  }
}

export const previousAttempts = 'grpc-previous-rpc-attempts';

function isGrpc(metadata: Metadata): boolean {
  return firstValue(metadata, 'content-type')?.startsWith('application/grpc') === true;
}

/** Of an answer without a gRPC status. */
function httpStatusIn({ details }: StatusObject): number | undefined {
  const found = /^Received HTTP status code (\d{3})$/.exec(details);
  return found === null ? undefined : Number(found[1]);
}
